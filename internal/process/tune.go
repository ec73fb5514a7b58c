package process

// HeapTarget is where the garbage collector begins to work harder, in bytes: the
// 64 MB that Gor promises, less stacks, and less rings and large messages, which
// are not on the heap.
const HeapTarget = 24 << 20

// A Tuning is what the runtime cannot know of a run.
type Tuning struct {
	// LargerBy is by how much the message limit exceeds its default, in bytes;
	// zero when it does not. Such messages may need several copies of themselves,
	// and a target that they alone exceed would only cost time.
	LargerBy int

	OnTime   bool // a schedule is kept
	GivesWay bool // it captures, and nobody waits for what it captured
}

// Tune sets the process up for a run.
func Tune(t Tuning) {
	LimitHeap(HeapTarget + 4*int64(max(0, t.LargerBy)))
	if t.OnTime {
		AddProc()
	}
	if t.GivesWay {
		GiveWay()
	}
}
