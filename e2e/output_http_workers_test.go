package e2e

import (
	"testing"
)

// TestGrowAfterBurst: a burst that is over before its first worker stands gets
// more of them all the same. The target answers when twelve requests are there.
func TestGrowAfterBurst(t *testing.T) {
	f := newFlagTest(t)
	target := newCrowd(t, 12)
	f.ok("--input-file", f.recording(0, gets(30)...)+"|max", "--output-http", target.URL, "--output-http-timeout", "2s").says("30 delivered")
}
