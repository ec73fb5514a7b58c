// Package testkit is what the tests of several packages share: servers that
// keep what they are sent, traffic and recordings, a Gor that is started and
// listened to, its ledger, network namespaces, and programs that may be missing.
// Only tests import it.
//
// A helper ends its test when what it waits for does not come within Timeout;
// none is bound to how fast the machine is.
package testkit
