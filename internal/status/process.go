package status

import (
	"bytes"
	"fmt"
	"os"
	"runtime"
	"runtime/metrics"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// goMetrics are those of package runtime/metrics under the names that
// Prometheus's library for Go gives them. That library would add a tenth to the
// program.
var goMetrics = [...]struct{ source, name, kind, help string }{
	{"/sched/goroutines:goroutines", "go_goroutines", "gauge", "Goroutines that exist."},
	{"/sched/gomaxprocs:threads", "go_sched_gomaxprocs_threads", "gauge", "Threads that may run Go code at once."},
	{"/gc/cycles/total:gc-cycles", "go_gc_cycles_total", "counter", "Collections of garbage that have ended."},
	{"/gc/heap/allocs:bytes", "go_memstats_alloc_bytes_total", "counter", "Bytes that were allocated so far."},
	{"/memory/classes/heap/objects:bytes", "go_memstats_heap_alloc_bytes", "gauge", "Bytes of objects on the heap."},
	{"/gc/heap/goal:bytes", "go_memstats_next_gc_bytes", "gauge", "Size of the heap at which the next collection ends."},
	{"/memory/classes/total:bytes", "go_memstats_sys_bytes", "gauge", "Bytes that the runtime has mapped."},
}

// writeProcess writes what Prometheus's dashboards know of any process in Go.
func writeProcess(b *bytes.Buffer, started time.Time) {
	write := func(name, kind, help, value string) {
		fmt.Fprintf(b, "# HELP %s %s\n# TYPE %s %s\n%s %s\n", name, help, name, kind, name, value)
	}
	samples := make([]metrics.Sample, len(goMetrics))
	for i, m := range goMetrics {
		samples[i].Name = m.source
	}
	metrics.Read(samples)
	for i, m := range goMetrics {
		if samples[i].Value.Kind() == metrics.KindUint64 {
			write(m.name, m.kind, m.help, strconv.FormatUint(samples[i].Value.Uint64(), 10))
		}
	}
	fmt.Fprintf(b, "# HELP go_info Always 1; the label tells the version of Go.\n# TYPE go_info gauge\ngo_info{version=%q} 1\n", runtime.Version())
	write("process_start_time_seconds", "gauge", "When the process was started, in seconds since 1970.", strconv.FormatFloat(float64(started.UnixMilli())/1000, 'f', 3, 64))
	var usage syscall.Rusage
	if syscall.Getrusage(syscall.RUSAGE_SELF, &usage) == nil {
		cpu := time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
		write("process_cpu_seconds_total", "counter", "Time on a processor, of user and system.", strconv.FormatFloat(cpu.Seconds(), 'f', -1, 64))
	}
	var files syscall.Rlimit
	if syscall.Getrlimit(syscall.RLIMIT_NOFILE, &files) == nil {
		write("process_max_fds", "gauge", "Files that may be open at once.", strconv.FormatUint(files.Cur, 10))
	}
	if open, err := os.ReadDir("/proc/self/fd"); err == nil {
		write("process_open_fds", "gauge", "Files that are open.", strconv.Itoa(len(open)))
	}
	// proc(5): size and resident, in pages.
	if text, err := os.ReadFile("/proc/self/statm"); err == nil {
		if fields := strings.Fields(string(text)); len(fields) > 1 {
			for i, m := range [...][2]string{{"process_virtual_memory_bytes", "Bytes of the address space."}, {"process_resident_memory_bytes", "Bytes in memory."}} {
				if pages, err := strconv.ParseUint(fields[i], 10, 64); err == nil {
					write(m[0], "gauge", m[1], strconv.FormatUint(pages*uint64(os.Getpagesize()), 10))
				}
			}
		}
	}
}
