// Package spill keeps messages on disk, in order, that a receiver cannot take
// yet: the folder behind --output-tcp-spill.
//
// The folder holds ordinary recordings, a few megabytes each and numbered, so
// that Gor can also replay what lies in one by hand:
//
//	00000001000000000.gor   records, oldest first
//	position.json           what of the first recording is sent already
//	lock                    locked while a process uses the folder
//
// A recording is removed when all of it is sent. After a crash at most what
// was sent in the last second is sent again. Nothing is forced to the disk
// (fsync): the folder outlives the process, and not a loss of power.
package spill
