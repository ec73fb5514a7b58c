// Package finding says what a difference between two answers is: how bad, where,
// and what stood there before and after. It is what the rooms that compare have
// in common.
package finding

// A Severity is how bad a difference is. A larger one is worse. The zero value is
// none.
type Severity uint8

// The severities, from the mildest on.
const (
	_ Severity = iota

	// SameKind is two values of one kind that are new in every answer, such as
	// two UUIDs or two times: reported, and never a reason to fail.
	SameKind
	// Order is the same elements in another order.
	Order
	// Added is something that only the new answer has.
	Added
	// Slower is a route that takes longer. No single pair has it.
	Slower
	// Value is another value of the same type.
	Value
	// Retyped is a value of another type, a number that became a string.
	Retyped
	// Removed is something that only the old answer has.
	Removed
	// Status is another status of the same class, 200 and 204.
	Status
	// StatusClass is a status of another class, 200 and 500.
	StatusClass
	// Unanswered is a request that only one side answered.
	Unanswered

	severities
)

var severityNames = [severities]string{
	SameKind: "same kind", Order: "order", Added: "added", Slower: "slower", Value: "value", Retyped: "retyped",
	Removed: "removed", Status: "status", StatusClass: "status class", Unanswered: "unanswered",
}

// String is the severity's name for people, in the singular: "status class".
func (s Severity) String() string {
	if s >= severities {
		return ""
	}
	return severityNames[s]
}

// ParseSeverity returns the severity of a name that String returns. ok is false
// when there is none.
func ParseSeverity(name string) (s Severity, ok bool) {
	for s := SameKind; s < severities; s++ {
		if severityNames[s] == name {
			return s, true
		}
	}
	return 0, false
}

// Learnable reports whether differences of this severity may be explained as
// noise. A status, a removal and a change of type never are.
func (s Severity) Learnable() bool { return s >= SameKind && s <= Value }

// A Finding is one difference between two answers to one request.
type Finding struct {
	Severity Severity

	// Path says where: "answer", "status", "header.content-type" (in lower case),
	// "cookie.sid", "cookie.sid.httponly", "body" or "body.items[].price". See
	// Child and Elements for how it is made.
	Path string

	// Old and New are what stands there, as text that is cut to MostText bytes.
	// Old is empty for what was added, New for what was removed. They come from
	// strangers and may hold anything.
	Old, New string
}

// MostText bounds Finding.Old and Finding.New in bytes: what a line of a report
// has room for.
const MostText = 160
