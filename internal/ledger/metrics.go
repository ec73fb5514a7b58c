package ledger

import (
	"bytes"
	"runtime"
	"strconv"
	"strings"
	"time"

	"github.com/buger/gor/internal/plugin"
	"github.com/buger/gor/internal/stats"
)

// The counts as Prometheus reads them: its text format 0.0.4, which is a few
// lines to write; its client library would add a quarter to the program.

// A metricDef says how rows of the ledger are called there.
type metricDef struct {
	row  string // its name, or when it ends in ": " the names that begin so, whose rest is the label "reason"
	name string
	help string
	kind string // counter, gauge or histogram
}

const (
	counter   = "counter"
	gauge     = "gauge"
	histogram = "histogram"
)

// captureMetrics are the rows of a capture.
var captureMetrics = [...]metricDef{
	{"packets", "gor_capture_packets_total", "Packets that the capture received.", counter},
	{"packets dropped by the kernel", "gor_capture_kernel_drops_total", "Packets that the kernel had no room for.", counter},
	{"packets cut short", "gor_capture_packets_cut_total", "Packets that were not captured whole.", counter},
	{"packets ignored: ", "gor_capture_packets_ignored_total", "Packets that gave no TCP segment.", counter},
	// It falls when a connection turns out not to be HTTP after all.
	{"messages begun", "gor_capture_messages_begun", "Messages that were seen to begin: those captured, lost, interim and open together.", gauge},
	{"requests", "gor_capture_requests_total", "Requests that were captured.", counter},
	{"responses", "gor_capture_responses_total", "Responses that were captured.", counter},
	{"interim responses", "gor_capture_interim_responses_total", "Responses of status 1xx, which are not passed on.", counter},
	{"messages open", "gor_capture_messages_open", "Messages that have begun and not ended.", gauge},
	{"lost: ", "gor_capture_lost_total", "Messages that were seen to begin and were not captured.", counter},
	{"ambiguous framing", "gor_capture_ambiguous_total", "Messages that were captured although their framing can be read in two ways.", counter},
	{"messages given incomplete", "gor_capture_incomplete_total", "Messages that were captured with bytes missing (--input-raw-allow-incomplete).", counter},
	{"messages divided", "gor_capture_divided_total", "Messages that were given in parts, as long as --copy-buffer-size each (--input-raw-protocol binary).", counter},
	{"requests without the client's address", "gor_capture_without_address_total", "Requests that --input-raw-realip-header could not be set in.", counter},
	{"connections", "gor_capture_connections_total", "Connections seen to begin, or joined.", counter},
	{"connections joined", "gor_capture_connections_joined_total", "Connections that were established before the capture.", counter},
	{"connections seen again with rewritten addresses", "gor_capture_connections_rewritten_total", "Connections seen before with other addresses, which are taken once.", counter},
	{"connections left to another capture", "gor_capture_connections_shared_total", "Connections that another --input-raw saw too, which are taken once.", counter},
	{"connections excluded", "gor_capture_connections_excluded_total", "Connections of Gor itself.", counter},
	{"connections with TLS", "gor_capture_connections_tls_total", "Connections that are encrypted.", counter},
	{"connections with HTTP/2", "gor_capture_connections_http2_total", "Connections that carry HTTP/2.", counter},
	{"connections tunnelled", "gor_capture_connections_tunnelled_total", "Connections given over to another protocol by CONNECT or Upgrade.", counter},
	{"connections evicted", "gor_capture_connections_evicted_total", "Connections forgotten to stay below the ceilings of memory.", counter},
	{"connections reused", "gor_capture_connections_reused_total", "Connections ended by the next one between the same ports.", counter},
	{"connections with MPTCP subflows", "gor_capture_connections_multipath_total", "Connections whose messages are spread over several subflows, which Gor does not put together.", counter},
	{"connections live", "gor_capture_connections_live", "Connections that are known now.", gauge},
	{"segments", "gor_capture_segments_total", "TCP segments that were looked at.", counter},
	{"segments of other addresses", "gor_capture_segments_unmatched_total", "Segments to and from other addresses.", counter},
	{"segments without direction", "gor_capture_segments_undirected_total", "Segments of connections of which it is not known who asks whom.", counter},
	{"segments retransmitted", "gor_capture_segments_retransmitted_total", "Segments that held bytes seen before.", counter},
	{"segments conflicting", "gor_capture_segments_conflicting_total", "Retransmitted segments with other bytes than before.", counter},
	{"segments out of order", "gor_capture_segments_out_of_order_total", "Segments that came before their predecessors.", counter},
	{"segments out of any window", "gor_capture_segments_far_total", "Segments that lie outside of any window of their connection, which they do not disturb.", counter},
	{"SYN/FIN/RST refused", "gor_capture_segments_refused_total", "Segments that would begin or end a connection and that its other end would not take.", counter},
	{"gaps", "gor_capture_gaps_total", "Holes in connections that did not close.", counter},
	{"bytes missing", "gor_capture_missing_bytes_total", "Bytes in these holes.", counter},
	{"bytes skipped", "gor_capture_skipped_bytes_total", "Bytes passed over in search of a message.", counter},
	{"request lines skipped", "gor_capture_skipped_starts_total", "Request lines in these bytes, and of connections that are over or not understood.", counter},
	{"bytes acknowledged but unseen", "gor_capture_unseen_bytes_total", "Bytes that the receiver acknowledged and the capture never saw.", counter},
	{"bytes buffered", "gor_capture_buffered_bytes", "Memory that torn messages and early segments take now.", gauge},
}

// otherRows takes the rows that have no name of their own, as what recordings
// and links had to say.
var otherRows = metricDef{"", "gor_input_irregular_total", "What an input passed over, or gave in spite of something, before it was a message.", counter}

var failedMetric = metricDef{"", "gor_output_failed_total", "Messages that were neither written nor answered.", counter}

// fateMetrics are the rows of an output, by their kind. A failure's name is its
// reason; the other kinds have one row each.
var fateMetrics = [...]metricDef{
	stats.Delivered: {"", "gor_output_delivered_total", "Messages that were written, or answered whatever the status.", counter},
	stats.Kept:      {"", "gor_output_kept_total", "Messages that are kept on disk for the next start.", counter},
	stats.Unsent:    {"", "gor_output_unsent_total", "Messages that the output still held at the end.", counter},
	stats.Limited:   {"", "gor_output_limited_total", "Messages that a limit behind the address dropped.", counter},
	stats.Ignored:   {"", "gor_output_ignored_total", "Responses, of which the output has no use.", counter},
	stats.Failed:    failedMetric,
	stats.Unfit:     failedMetric,
}

// fateOf finds the metric of an output's row, and its reason.
func fateOf(row stats.Count) (def metricDef, reason string) {
	if row.Kind == stats.Failed || row.Kind == stats.Unfit {
		reason = strings.TrimPrefix(row.Name, "failed: ")
	}
	return fateMetrics[row.Kind], reason
}

// metricOf finds the metric of a row, and its reason.
func metricOf(row string, defs []metricDef, rest metricDef) (def metricDef, reason string) {
	for _, d := range defs {
		if row == d.row {
			return d, ""
		}
		if prefix, is := strings.CutPrefix(row, d.row); is && strings.HasSuffix(d.row, ": ") {
			return d, prefix
		}
	}
	return rest, row
}

// InputMetric names the metric of an input's row, and the reason that it has as
// a label; "" is none. named is false for a row that has no metric of its own.
func InputMetric(row stats.Count) (name, reason string, named bool) {
	def, reason := metricOf(row.Name, captureMetrics[:], otherRows)
	return def.name, reason, def != otherRows
}

// CaptureMetrics names the metrics that only captures have.
func CaptureMetrics() []string {
	var names []string
	for _, def := range captureMetrics {
		names = append(names, def.name)
	}
	return names
}

// OutputMetric names the metric of an output's row, and the reason that it has
// as a label; "" is none.
func OutputMetric(row stats.Count) (name, reason string) {
	def, reason := fateOf(row)
	return def.name, reason
}

// A metricSet is families of samples in the order of their first one. The
// samples of a family have to stand together.
type metricSet struct {
	families []*family
	index    map[string]*family
}

type family struct {
	metricDef
	samples []sample
}

type sample struct {
	suffix string   // of the family's name: a histogram has several
	labels []string // name, value, name, value ...
	value  string
}

func (m *metricSet) add(def metricDef, n uint64, labels ...string) {
	m.addText(def, strconv.FormatUint(n, 10), labels...)
}

func (m *metricSet) addText(def metricDef, value string, labels ...string) {
	m.addTo(def, "", value, labels)
}

func (m *metricSet) addTo(def metricDef, suffix, value string, labels []string) {
	f := m.index[def.name]
	if f == nil {
		f = &family{metricDef: def}
		m.index[def.name] = f
		m.families = append(m.families, f)
	}
	f.samples = append(f.samples, sample{suffix, labels, value})
}

// metrics gives every number of the ledger.
func (l Ledger) metrics(version string, started time.Time) *metricSet {
	m := &metricSet{index: map[string]*family{}}
	fixed := func(name, help string, n uint64, labels ...string) {
		m.add(metricDef{"", name, help, counter}, n, labels...)
	}
	m.add(metricDef{"", "gor_build_info", "Always 1; the labels tell the version.", gauge}, 1, "version", version, "goversion", runtime.Version())
	m.addText(metricDef{"", "gor_start_time_seconds", "When Gor was started, in seconds since 1970.", gauge}, strconv.FormatFloat(float64(started.UnixMilli())/1000, 'f', 3, 64))
	inputs, outputs := l.names()
	for i, in := range l.Inputs {
		name := inputs[i]
		fixed("gor_input_messages_total", "Messages that the input gave.", in.Read, "input", name)
		fixed("gor_input_limited_total", "Messages that a limit behind the address dropped.", in.Limited, "input", name)
		fixed("gor_input_filtered_total", "Messages that a rule filtered.", in.Filtered, "input", name)
		fixed("gor_input_passed_total", "Messages that were passed on to the outputs.", in.Passed, "input", name)
		for _, row := range in.Before {
			def, reason := metricOf(row.Name, captureMetrics[:], otherRows)
			m.add(def, row.N, withReason("input", name, reason)...)
		}
		m.addCounters(plugin.FiguresOf(in.Report).Counters, "input", name)
	}
	for i, out := range l.Outputs {
		name := outputs[i]
		fixed("gor_output_offered_total", "Messages that were offered to the output.", out.Offered, "output", name)
		fixed("gor_output_shed_total", "Messages that the output had no room for.", out.Shed, "output", name)
		m.add(metricDef{"", "gor_output_pending_messages", "Messages that wait in the output or are on their way.", gauge}, out.Pending(), "output", name)
		for _, row := range out.Fates {
			def, reason := fateOf(row)
			m.add(def, row.N, withReason("output", name, reason)...)
		}
		m.addReport(out.Report, name)
	}
	return m
}

func withReason(label, name, reason string) []string {
	if reason == "" {
		return []string{label, name}
	}
	return []string{label, name, "reason", reason}
}

// WriteMetrics writes every number of the ledger in Prometheus's text format
// 0.0.4. version is the program's, started when it began.
func (l Ledger) WriteMetrics(b *bytes.Buffer, version string, started time.Time) {
	l.metrics(version, started).writeTo(b)
}

// writeTo writes the text format.
func (m *metricSet) writeTo(b *bytes.Buffer) {
	inHelp := strings.NewReplacer(`\`, `\\`, "\n", `\n`)
	inLabel := strings.NewReplacer(`\`, `\\`, "\n", `\n`, `"`, `\"`)
	for _, f := range m.families {
		b.WriteString("# HELP " + f.name + " " + inHelp.Replace(f.help) + "\n")
		b.WriteString("# TYPE " + f.name + " " + f.kind + "\n")
		for _, s := range f.samples {
			b.WriteString(f.name + s.suffix)
			for i := 0; i < len(s.labels); i += 2 {
				if i == 0 {
					b.WriteByte('{')
				} else {
					b.WriteByte(',')
				}
				// Names of files may be any bytes, the format is UTF-8.
				b.WriteString(s.labels[i] + `="` + inLabel.Replace(strings.ToValidUTF8(s.labels[i+1], "\uFFFD")) + `"`)
			}
			if len(s.labels) > 0 {
				b.WriteByte('}')
			}
			b.WriteString(" " + s.value + "\n")
		}
	}
}
