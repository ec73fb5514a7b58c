package assemble

// A node is one element's place in a list; it lies inside the element, so that
// moving an element costs no allocation. The zero value is in no list.
type node[T any] struct {
	prev, next *node[T]
	owner      *T
}

// listed reports whether the node is in a list.
func (n *node[T]) listed() bool { return n.next != nil }

// A list is a ring of nodes around a root, oldest first.
type list[T any] struct {
	root node[T]
	len  int
}

// push adds n, which is in no list, behind all others.
func (l *list[T]) push(n *node[T], owner *T) {
	if l.root.next == nil {
		l.root.next, l.root.prev = &l.root, &l.root
	}
	n.owner = owner
	n.prev, n.next = l.root.prev, &l.root
	n.prev.next, n.next.prev = n, n
	l.len++
}

// remove takes n out of l.
func (l *list[T]) remove(n *node[T]) {
	n.prev.next, n.next.prev = n.next, n.prev
	n.prev, n.next = nil, nil
	l.len--
}

// renew moves n behind all others.
func (l *list[T]) renew(n *node[T]) {
	if l.root.prev == n {
		return
	}
	l.remove(n)
	l.push(n, n.owner)
}

// oldest returns the first element, nil when there is none.
func (l *list[T]) oldest() *T {
	if l.len == 0 {
		return nil
	}
	return l.root.next.owner
}

// after returns the element behind n, nil at the end.
func (l *list[T]) after(n *node[T]) *T {
	if n.next == &l.root {
		return nil
	}
	return n.next.owner
}
