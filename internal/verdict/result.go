package verdict

import "time"

// A Result is the verdict over all pairs. It is what reports are made of. Text in
// it that came from requests and answers (routes, paths, values, bodies) may hold
// anything: whoever shows it takes care of that.
type Result struct {
	// Class is the worst standing of all rows: 0 when every pair was equal.
	Class Standing

	// Sentence says the verdict: "GET /cart answers 500 instead of 200 to 85 of 141
	// requests, and 2 more differences".
	Sentence string

	// Old and New name the two sides for people: "original" or a target's label.
	Old, New string

	Totals Totals

	// Routes are worst first, then by number of pairs.
	Routes []Route

	// Rows are worst first: by standing, severity, share, number. They are what
	// "the twenty worst" are taken from.
	Rows []Row

	// Statuses are the most frequent changes of status, most frequent first, at
	// most twenty.
	Statuses []StatusChange

	// UnusedRules are the rules that matched nothing, as their file and place and
	// what they say.
	UnusedRules []string

	// Notes say what could not be compared, and why, a sentence each.
	Notes []string

	kept Keeper
}

// Totals count pairs. Compared = Equal + Harmless + Suspect + Regressed.
type Totals struct {
	Compared  uint64 `json:"compared"`
	Equal     uint64 `json:"equal"`     // no difference at all
	Harmless  uint64 `json:"harmless"`  // nothing but noise and expected changes
	Suspect   uint64 `json:"suspect"`   // the worst is suspect
	Regressed uint64 `json:"regressed"` // at least one regression

	// Triples of Compared have the old version's answer twice.
	Triples uint64 `json:"triples"`

	// These could not be compared: the records of one id lacked the answer of the
	// new version, that of the old one, or both.
	WithoutNew     uint64 `json:"without_new"`
	WithoutOld     uint64 `json:"without_old"`
	WithoutAnswers uint64 `json:"without_answers"`
	// WithoutRequest of Compared have no request recorded; their route is "?".
	WithoutRequest uint64 `json:"without_request"`

	StatusEqual     uint64 `json:"status_equal"`
	StatusDifferent uint64 `json:"status_different"`

	// Uncounted differences found no room for a row of their own. Rows of AllRoutes
	// count the pairs that have them.
	Uncounted uint64 `json:"uncounted"`
	// Untimed routes had no room for all of their times.
	Untimed uint64 `json:"untimed"`
	// Ignored differences were dropped by a rule.
	Ignored uint64 `json:"ignored"`
}

// Miss counts a pair that lacks an answer, and reports whether it is one.
func (t *Totals) Miss(p *Pair) bool {
	switch {
	case p.Old == nil && p.New == nil:
		t.WithoutAnswers++
	case p.New == nil:
		t.WithoutNew++
	case p.Old == nil:
		t.WithoutOld++
	default:
		return false
	}
	return true
}

// A Row is one kind of difference at one place of one route.
type Row struct {
	Route    string   // "GET /users/{id}"
	Path     string   // see Finding.Path
	Severity Severity // of all differences that the row counts
	Standing Standing

	// Compared is how many pairs of the route there are, Differs in how many of
	// them the new version differs here.
	Compared, Differs uint64

	// Control is in how many comparisons of the old version with itself (asked
	// twice, recorded several times, or learnt) the place was compared, and
	// ControlDiffers in how many it differed. Both are zero without such evidence.
	Control, ControlDiffers uint64

	// P is the probability to see this by chance; valid iff Control > 0.
	P float64

	// Why is a sentence for people: on what the standing rests.
	Why string

	// Samples are the first few pairs that have it, at most MostSamples.
	Samples []Sample
}

// Share is the part of the route's pairs that differ here, 0 to 1.
func (r *Row) Share() float64 {
	if r.Compared == 0 {
		return 0
	}
	return float64(r.Differs) / float64(r.Compared)
}

// MostSamples bounds the samples of a row.
const MostSamples = 5

// A Sample is a pair to look at.
type Sample struct {
	ID       string
	Old, New string // what stands at the row's path; see Finding

	// Ref finds the whole pair with Result.Load; 0 when it was not kept.
	Ref int64
}

// A Keeper holds whole pairs for the report, within bounds of its own.
type Keeper interface {
	// Keep returns a Ref, 0 when there was no room. p is not kept.
	Keep(p *Pair) int64
	// Load returns the pair of a Ref. The caller owns it.
	Load(ref int64) (*Pair, error)
}

// A StatusChange counts pairs whose status went from Old to New. 0 stands for no
// answer.
type StatusChange struct {
	Old, New int
	N        uint64
}

// A Route is a group of requests that one handler answers.
type Route struct {
	Name string // "GET /users/{id}/orders/{id}"; "?" without a request

	Compared, Equal, Harmless, Suspect, Regressed uint64 // pairs, as in Totals

	Latency Latency
}

// A Latency compares how long a route's answers took.
type Latency struct {
	Old, New Durations

	// Ratio is the median of New/Old over the pairs whose answers were both
	// replayed, between Low and High with a confidence of 95 %. Valid iff Pairs > 0.
	Ratio, Low, High float64
	Pairs            uint64

	// Standing is Regression when the route became slower by the evidence, else 0.
	Standing Standing

	// Note says what the numbers are not: times of captured answers and of
	// replayed ones are measured at different places.
	Note string
}

// Durations sum up a distribution.
type Durations struct {
	N             uint64
	P50, P95, P99 time.Duration // valid iff N > 0

	// Buckets draw the distribution, shortest first. Neighbours are adjacent; their
	// width grows with the value. At most MostBuckets.
	Buckets []Bucket
}

// MostBuckets bounds Durations.Buckets: what a small picture can show.
const MostBuckets = 40

// A Bucket counts the answers that took at most UpTo, and longer than the bucket
// before it.
type Bucket struct {
	UpTo time.Duration
	N    uint64
}

// Load returns the pair of a sample for looking at it. It returns an error that
// says why when it cannot.
func (r *Result) Load(s Sample) (*Pair, error) {
	if s.Ref == 0 || r.kept == nil {
		return nil, ErrNotKept
	}
	return r.kept.Load(s.Ref)
}
