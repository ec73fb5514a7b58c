package e2e

import (
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/buger/gor/internal/testkit"
)

// soakCeiling is the memory that Gor promises to stay below.
const soakCeiling = 64 << 20

// Growth is looked for in thirds of the time, when each is long enough for all
// that comes and goes in seconds: the garbage of the collector's next cycle,
// batches on their way, a body that has grown alone. These together are
// soakMargin. What leaks has several times as much to leak in the time: a
// thousand connections a second, of 400 bytes each if they carry nothing.
const (
	growthThird = 20 * time.Second
	soakMargin  = 3 << 20
)

// memorySampling is how often a program's memory is looked at.
const memorySampling = 100 * time.Millisecond

// A memoryWatch follows the resident memory of a program until it ends.
type memoryWatch struct {
	t       *testing.T
	samples []memorySample // complete when done
	peak    int            // VmHWM: of the kernel, which misses nothing
	done    chan struct{}
}

type memorySample struct {
	at       time.Time
	resident int
}

func watchMemory(t *testing.T, p *testkit.Process) *memoryWatch {
	w := &memoryWatch{t: t, done: make(chan struct{})}
	go func() {
		defer close(w.done)
		tick := time.NewTicker(memorySampling)
		defer tick.Stop()
		for {
			select {
			case <-p.Ended:
				return
			case <-tick.C:
			}
			status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", p.Cmd.Process.Pid))
			if resident := statusBytes(status, "VmRSS:"); err == nil && resident > 0 {
				w.samples = append(w.samples, memorySample{time.Now(), resident})
				w.peak = max(w.peak, statusBytes(status, "VmHWM:"))
			}
		}
	}()
	return w
}

// statusBytes reads a row of proc_pid_status(5), 0 when there is none.
func statusBytes(status []byte, row string) (n int) {
	if _, rest, ok := strings.Cut(string(status), row); ok {
		fmt.Sscan(rest, &n)
	}
	return n << 10
}

// want checks the memory of a soak, once the program has ended.
func (w *memoryWatch) want(began, ended time.Time) {
	w.t.Helper()
	<-w.done
	var most [3]int
	for _, s := range w.samples {
		if third := int(3 * s.at.Sub(began) / ended.Sub(began)); s.at.After(began) && third < len(most) {
			most[third] = max(most[third], s.resident)
		}
	}
	w.t.Logf("resident memory: at most %.1f, %.1f and %.1f MB in each third of %s, %.1f MB in all, of %d samples",
		mb(most[0]), mb(most[1]), mb(most[2]), ended.Sub(began).Round(time.Second), mb(w.peak), len(w.samples))
	if len(w.samples) < int(ended.Sub(began)/memorySampling)/2 {
		w.t.Errorf("only %d samples of memory in %s", len(w.samples), ended.Sub(began))
	}
	if testkit.RaceEnabled {
		return // the race detector's own memory is a multiple of Gor's
	}
	if w.peak > soakCeiling {
		w.t.Errorf("resident memory was %.1f MB, want %d at most", mb(w.peak), soakCeiling>>20)
	}
	if grown := most[2] - most[1]; grown > soakMargin && ended.Sub(began) >= 3*growthThird {
		w.t.Errorf("resident memory grew by %.1f MB in the last third", mb(grown))
	}
}

func mb(n int) float64 { return float64(n) / (1 << 20) }
