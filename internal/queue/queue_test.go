package queue

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/buger/gor/internal/stats"
)

// long is a wait that no passing test sees the end of.
const long = time.Minute

func put(t *testing.T, q *Queue, p string) {
	t.Helper()
	if err := q.Put([]byte(p)); err != nil {
		t.Fatalf("Put(%q) = %v", p, err)
	}
}

func get(t *testing.T, q *Queue) Item {
	t.Helper()
	it, ok := q.Get(nil, long)
	if !ok {
		t.Fatal("Get = false")
	}
	return it
}

// newQueue has room for items messages of so many bytes together.
func newQueue(items, bytes int) *Queue { return New(items, bytes+items*ItemOverhead) }

func TestOrder(t *testing.T) {
	q := New(100, 1<<20)
	for round := range 5 {
		for i := range 70 {
			put(t, q, fmt.Sprint(round, i))
		}
		if q.Len() != 70 {
			t.Fatalf("Len = %d, want 70", q.Len())
		}
		for i := range 70 {
			it := get(t, q)
			if got, want := string(it.Bytes), fmt.Sprint(round, i); got != want {
				t.Fatalf("got %q, want %q", got, want)
			}
			q.Done(it, true)
		}
	}
	if q.Len() != 0 || held(q) != 0 {
		t.Errorf("Len = %d, Bytes = %d at the end", q.Len(), held(q))
	}
}

func TestPutCopies(t *testing.T) {
	q := newQueue(10, 1000)
	p := []byte("original")
	if err := q.Put(p); err != nil {
		t.Fatal(err)
	}
	copy(p, "modified")
	if it := get(t, q); string(it.Bytes) != "original" {
		t.Errorf("got %q", it.Bytes)
	}
}

func TestItemsBound(t *testing.T) {
	q := newQueue(2, 1000)
	put(t, q, "a")
	put(t, q, "b")
	if err := q.Put([]byte("c")); err != ErrFull {
		t.Fatalf("third Put = %v, want ErrFull", err)
	}
	a := get(t, q)
	put(t, q, "c") // a message in work takes no place
	q.Done(a, true)
	if err := q.Put([]byte("d")); err != ErrFull {
		t.Fatalf("Put = %v, want ErrFull", err)
	}
}

func TestBytesBound(t *testing.T) {
	q := New(100, 100+2*ItemOverhead)
	put(t, q, string(make([]byte, 60)))
	if err := q.Put(make([]byte, 41)); err != ErrFull {
		t.Fatalf("Put of 41 above 60 = %v, want ErrFull", err)
	}
	put(t, q, string(make([]byte, 40)))
	it := get(t, q)
	if err := q.Put(make([]byte, 1)); err != ErrFull {
		t.Fatalf("Put while all is in work = %v, want ErrFull", err)
	}
	q.Done(it, true)
	put(t, q, string(make([]byte, 60)))
	if want := 100 + 2*ItemOverhead; held(q) != want {
		t.Errorf("Bytes = %d, want %d", held(q), want)
	}
}

// Without a bound on items the bytes are the bound, and each message counts with
// what it takes beside its own.
func TestRoomIsBytes(t *testing.T) {
	for _, size := range []int{0, 1, 100, 10_000} {
		const bound = 1 << 20
		q := New(0, bound)
		n := 0
		for q.Put(make([]byte, size)) == nil {
			n++
		}
		if want := bound / (size + ItemOverhead); n != want {
			t.Errorf("%d messages of %d bytes fit, want %d", n, size, want)
		}
		if n := q.Discard(); held(q) != 0 {
			t.Errorf("%d bytes are left after %d messages", held(q), n)
		}
	}
}

// A queue of tiny messages that is full takes about as much memory as its bound
// says.
func TestTinyMessagesStayInBound(t *testing.T) {
	const bound = 8 << 20
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	q := New(0, bound)
	for q.Put([]byte("x")) == nil {
	}
	runtime.GC()
	runtime.ReadMemStats(&after)
	if took := int(after.HeapAlloc) - int(before.HeapAlloc); took > bound {
		t.Errorf("%d messages take %d bytes, with a bound of %d", q.Len(), took, bound)
	}
	runtime.KeepAlive(q)
}

// What a worker hands back is the oldest again, even when the queue is full or
// closed.
func TestReturn(t *testing.T) {
	q := New(2, 1<<20)
	put(t, q, "a")
	put(t, q, "b")
	it := get(t, q)
	put(t, q, "c")
	q.Return(it)
	q.Close()
	for _, want := range []string{"a", "b", "c"} {
		it := get(t, q)
		if string(it.Bytes) != want || (it.Returned == 1) != (want == "a") {
			t.Errorf("got %q, returned %d times; want %q", it.Bytes, it.Returned, want)
		}
		q.Done(it, true)
	}
	testSettled(t, q)
	// One that waits is woken.
	q = New(2, 1<<20)
	put(t, q, "a")
	it = get(t, q)
	got := make(chan Item)
	go func() { it, _ := q.Get(nil, 0); got <- it }()
	for q.Short() != -1 {
		runtime.Gosched()
	}
	q.Return(it)
	q.Done(<-got, true)
	testSettled(t, q)
}

func testSettled(t *testing.T, q *Queue) {
	t.Helper()
	if err := q.Settle(nil); err != nil || q.Len() != 0 || held(q) != 0 {
		t.Errorf("Settle: %v, with %d messages and %d bytes", err, q.Len(), held(q))
	}
}

// Short counts the messages for which no worker waits.
func TestShort(t *testing.T) {
	q := New(0, 1<<20)
	short := func(want int) {
		t.Helper()
		if n := q.Short(); n != want {
			t.Errorf("Short = %d, want %d", n, want)
		}
	}
	short(0)
	put(t, q, "a")
	put(t, q, "b")
	short(2)
	q.Done(get(t, q), true)
	q.Done(get(t, q), true)
	short(0)
	cancel := make(chan struct{})
	ended := make(chan struct{}, 3)
	for range 3 {
		go func() { q.Get(cancel, 0); ended <- struct{}{} }()
	}
	for q.Short() != -3 {
		runtime.Gosched()
	}
	close(cancel)
	for range 3 {
		<-ended
	}
	short(0)
	if _, ok := q.Get(nil, time.Microsecond); ok {
		t.Error("there was a message")
	}
	short(0)
}

// A message above the bound is taken when nothing else is there, and then
// nothing else is.
func TestLargeAlone(t *testing.T) {
	q := newQueue(100, 100)
	large := bytes.Repeat([]byte("x"), 200<<10)
	put(t, q, "small")
	if err := q.Put(large); err != ErrFull {
		t.Fatalf("Put of a large one beside a small one = %v, want ErrFull", err)
	}
	q.Done(get(t, q), true)
	if err := q.Put(large); err != nil {
		t.Fatalf("Put of a large one alone = %v", err)
	}
	if err := q.Put(nil); err != ErrFull {
		t.Fatalf("Put beside a large one = %v, want ErrFull", err)
	}
	it := get(t, q)
	if !bytes.Equal(it.Bytes, large) {
		t.Error("the large message came out changed")
	}
	if err := q.Put([]byte("s")); err != ErrFull {
		t.Fatalf("Put while a large one is in work = %v, want ErrFull", err)
	}
	q.Done(it, true)
	put(t, q, "small")
	if q.free.Bytes() > 1000 {
		t.Errorf("%d bytes of buffers kept after a large message", q.free.Bytes())
	}
}

func TestGetEnds(t *testing.T) {
	closed := make(chan struct{})
	close(closed)

	t.Run("cancelled though full", func(t *testing.T) {
		q := newQueue(10, 100)
		put(t, q, "a")
		if _, ok := q.Get(closed, 0); ok {
			t.Error("Get = true")
		}
		if n := q.GetBatch(make([]Item, 2), closed, 0); n != 0 {
			t.Errorf("GetBatch = %d", n)
		}
		if q.Drained() {
			t.Error("Drained")
		}
	})
	t.Run("idle", func(t *testing.T) {
		q := newQueue(10, 100)
		if _, ok := q.Get(nil, time.Millisecond); ok {
			t.Error("Get = true")
		}
		if q.Drained() {
			t.Error("Drained")
		}
		if q.getters.head != nil || q.waking != 0 {
			t.Error("a waiter was left on the list")
		}
	})
	t.Run("cancelled while waiting", func(t *testing.T) {
		q := newQueue(10, 100)
		cancel := make(chan struct{})
		done := make(chan bool)
		go func() {
			_, ok := q.Get(cancel, 0)
			done <- ok
		}()
		close(cancel)
		if <-done {
			t.Error("Get = true")
		}
	})
	t.Run("closed", func(t *testing.T) {
		q := newQueue(10, 100)
		put(t, q, "a")
		q.Close()
		q.Close()
		if err := q.Put([]byte("b")); err != ErrClosed {
			t.Errorf("Put = %v, want ErrClosed", err)
		}
		if q.Drained() {
			t.Error("Drained before the last Get")
		}
		if it := get(t, q); string(it.Bytes) != "a" {
			t.Errorf("got %q", it.Bytes)
		}
		if _, ok := q.Get(nil, 0); ok {
			t.Error("Get after the last = true")
		}
		if !q.Drained() {
			t.Error("not Drained")
		}
	})
	t.Run("closed while several wait", func(t *testing.T) {
		q := newQueue(10, 100)
		done := make(chan bool)
		for range 5 {
			go func() {
				_, ok := q.Get(nil, 0)
				done <- ok
			}()
		}
		q.Close()
		for range 5 {
			if <-done {
				t.Error("Get = true")
			}
		}
	})
}

func TestGetBatch(t *testing.T) {
	q := newQueue(10, 1000)
	for _, p := range []string{"a", "b", "c", "d", "e"} {
		put(t, q, p)
	}
	dst := make([]Item, 3)
	var got []string
	for range 2 {
		n := q.GetBatch(dst, nil, long)
		for _, it := range dst[:n] {
			got = append(got, string(it.Bytes))
			q.Done(it, true)
		}
		got = append(got, "|")
	}
	if want := []string{"a", "b", "c", "|", "d", "e", "|"}; !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
	if n := q.GetBatch(dst, nil, time.Millisecond); n != 0 {
		t.Errorf("GetBatch of an empty queue = %d", n)
	}
	if n := q.GetBatch(nil, nil, 0); n != 0 {
		t.Errorf("GetBatch into nothing = %d", n)
	}
}

func TestDiscard(t *testing.T) {
	q := newQueue(10, 1000)
	for range 5 {
		put(t, q, "message")
	}
	inWork := get(t, q)
	q.Close()
	if n := q.Discard(); n != 4 {
		t.Errorf("Discard = %d, want 4", n)
	}
	if n := q.Discard(); n != 0 {
		t.Errorf("second Discard = %d", n)
	}
	if _, ok := q.Get(nil, 0); ok {
		t.Error("Get after Discard = true")
	}
	q.Done(inWork, false)
	if held(q) != 0 {
		t.Errorf("Bytes = %d", held(q))
	}
	if err := q.Settle(nil); err != nil {
		t.Errorf("Settle = %v", err)
	}
}

func TestRoom(t *testing.T) {
	closed := make(chan struct{})
	close(closed)

	t.Run("there is", func(t *testing.T) {
		q := newQueue(1, 100)
		if !q.Room(nil, 0) {
			t.Error("Room = false")
		}
	})
	t.Run("there is none", func(t *testing.T) {
		q := newQueue(1, 100)
		put(t, q, "a")
		for name, got := range map[string]bool{
			"at once":   q.Room(nil, 0),
			"a while":   q.Room(nil, time.Millisecond),
			"cancelled": q.Room(closed, long),
		} {
			if got {
				t.Errorf("%s: Room = true", name)
			}
		}
	})
	t.Run("cancelled while waiting", func(t *testing.T) {
		q := newQueue(1, 100)
		put(t, q, "a")
		cancel := make(chan struct{})
		done := make(chan bool)
		go func() { done <- q.Room(cancel, long) }()
		close(cancel)
		if <-done {
			t.Error("Room = true")
		}
	})
	t.Run("closed", func(t *testing.T) {
		q := newQueue(1, 100)
		put(t, q, "a")
		done := make(chan bool)
		go func() { done <- q.Room(nil, long) }()
		q.Close()
		if !<-done {
			t.Error("Room = false, so that the writer would not learn of the end")
		}
	})
	t.Run("for the refused size", func(t *testing.T) {
		q := New(10, 100+2*ItemOverhead)
		put(t, q, string(make([]byte, 60)))
		put(t, q, string(make([]byte, 30)))
		if err := q.Put(make([]byte, 50)); err != ErrFull {
			t.Fatal(err)
		}
		// There are places and bytes, but not for that message: a writer
		// that loops over Put and Room must not spin.
		if q.Room(nil, time.Millisecond) {
			t.Error("Room = true")
		}
		q.Done(get(t, q), true)
		if !q.Room(nil, 0) {
			t.Error("Room = false after Done")
		}
	})
	t.Run("a quarter is free", func(t *testing.T) {
		q := newQueue(8, 100)
		for range 8 {
			put(t, q, "a")
		}
		done := make(chan bool)
		go func() { done <- q.Room(nil, long) }()
		q.Done(get(t, q), true)
		q.Done(get(t, q), true)
		if !<-done {
			t.Error("Room = false")
		}
	})
}

func TestLastProgress(t *testing.T) {
	q := newQueue(10, 100)
	if p := q.LastProgress(); !p.IsZero() {
		t.Errorf("before the first Put: %v", p)
	}
	before := time.Now()
	put(t, q, "a")
	first := q.LastProgress()
	if first.Before(before) || first.After(time.Now()) {
		t.Errorf("after the first Put: %v", first)
	}
	put(t, q, "b")
	if p := q.LastProgress(); !p.Equal(first) {
		t.Errorf("another Put moved it by %v", p.Sub(first))
	}
	q.Done(get(t, q), false)
	if p := q.LastProgress(); !p.Equal(first) {
		t.Errorf("a timeout moved it by %v", p.Sub(first))
	}
	q.Done(get(t, q), true)
	second := q.LastProgress()
	if !second.After(first) {
		t.Errorf("Done did not move it")
	}
	// The queue was idle: what comes now has not been waiting since then.
	put(t, q, "c")
	if p := q.LastProgress(); !p.After(second) {
		t.Errorf("the first Put after idleness did not move it")
	}
}

func TestAge(t *testing.T) {
	q := newQueue(10, 100)
	before := time.Now()
	put(t, q, "a")
	it := get(t, q)
	if age := q.Age(it); age < 0 || age > time.Since(before) {
		t.Errorf("Age = %v", age)
	}
}

func TestWatch(t *testing.T) {
	q := newQueue(10, 100)
	g := stats.NewGauge("output_tcp", time.Millisecond)
	q.Watch(g)
	for range 3 {
		put(t, q, "a")
	}
	r, w := io.Pipe()
	stop := make(chan struct{})
	defer close(stop)
	go g.Run(stop, w)
	defer r.Close()
	for lines := bufio.NewScanner(r); ; {
		if !lines.Scan() {
			t.Fatal("the gauge ended without a line of the three messages")
		}
		if strings.HasSuffix(lines.Text(), "output_tcp:3,2,3,3,3000") {
			return
		}
	}
}

func TestDoneTwice(t *testing.T) {
	q := newQueue(10, 100)
	put(t, q, "a")
	it := get(t, q)
	q.Done(it, true)
	defer func() {
		if recover() == nil {
			t.Error("the second Done did not panic")
		}
	}()
	q.Done(it, true)
}

func TestSettle(t *testing.T) {
	q := newQueue(10, 100)
	if err := q.Settle(nil); err != nil {
		t.Fatalf("Settle of an empty queue = %v", err)
	}
	put(t, q, "a")
	put(t, q, "b")
	a, b := get(t, q), get(t, q)

	cancel := make(chan struct{})
	gaveUp := make(chan error)
	go func() { gaveUp <- q.Settle(cancel) }()
	close(cancel)
	if err := <-gaveUp; !errors.Is(err, ErrCancelled) {
		t.Fatalf("cancelled Settle = %v", err)
	}
	if n := len(q.epochs.waiting); n != 0 {
		t.Fatalf("%d settlers left after the cancel", n)
	}

	settled := make(chan error)
	go func() { settled <- q.Settle(nil) }()
	waitSettlers(q, 1)
	put(t, q, "later")
	go func() { settled <- q.Settle(nil) }()
	waitSettlers(q, 2)
	later := get(t, q)

	q.Done(b, true) // out of order
	q.Done(later, true)
	select {
	case <-settled:
		t.Fatal("Settle returned before the first message was Done")
	default:
	}
	q.Done(a, true)
	for range 2 {
		if err := <-settled; err != nil {
			t.Errorf("Settle = %v", err)
		}
	}
}

// A Settle does not wait for what came after it.
func TestSettleNotLater(t *testing.T) {
	q := newQueue(10, 100)
	put(t, q, "a")
	settled := make(chan error)
	go func() { settled <- q.Settle(nil) }()
	waitSettlers(q, 1)
	put(t, q, "later")
	q.Done(get(t, q), true)
	if err := <-settled; err != nil {
		t.Errorf("Settle = %v", err)
	}
}

// waitSettlers returns when n Settles wait.
func waitSettlers(q *Queue, n int) {
	for {
		q.mu.Lock()
		got := len(q.epochs.waiting)
		q.mu.Unlock()
		if got >= n {
			return
		}
		runtime.Gosched()
	}
}

// A batch that is done with leaves as its messages would one by one.
func TestDoneBatch(t *testing.T) {
	q := newQueue(8, 100)
	for i := range 6 {
		if err := q.Put([]byte{byte(i), 0, 0, 0, 0, 0, 0, 0, 0, 0}); err != nil {
			t.Fatal(err)
		}
	}
	if !q.HalfFull() {
		t.Error("6 of 8 places are not half of them")
	}
	items := make([]Item, 4)
	if n := q.GetBatch(items, nil, long); n != 4 {
		t.Fatalf("%d messages", n)
	}
	var waiting []byte
	q.Each(func(msg []byte) { waiting = append(waiting, msg[0]) })
	if string(waiting) != "\x04\x05" {
		t.Errorf("%v wait, want 4 and 5", waiting)
	}
	if !q.HalfFull() {
		t.Error("60 of 100 bytes are not half of them")
	}
	q.DoneBatch(items, true)
	for i, it := range items {
		if it.Bytes != nil {
			t.Errorf("item %d is not cleared", i)
		}
	}
	if want := 20 + 2*ItemOverhead; held(q) != want || q.HalfFull() {
		t.Errorf("%d bytes are held, want %d", held(q), want)
	}
	rest := make([]Item, 4)
	n := q.GetBatch(rest, nil, long)
	q.DoneBatch(rest[:n], false)
	if err := q.Settle(nil); err != nil || held(q) != 0 {
		t.Errorf("Settle = %v with %d bytes", err, held(q))
	}
}

// TestOnHalfFull: it is told with every message that finds half of the room taken,
// and with none before.
func TestOnHalfFull(t *testing.T) {
	q := New(10, 1<<20)
	told := 0
	q.OnHalfFull(func() { told++ })
	for i := range 10 {
		if err := q.Put([]byte("x")); err != nil {
			t.Fatal(err)
		}
		if want := max(0, i-4); told != want || q.HalfFull() != (told > 0) {
			t.Errorf("told %d times after %d messages, want %d", told, i+1, want)
		}
	}
}

// held is the length of all messages of q that are not yet Done, each with
// ItemOverhead.
func held(q *Queue) int {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.held
}
