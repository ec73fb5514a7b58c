package kind

import "testing"

func TestOf(t *testing.T) {
	for s, want := range map[string]Kind{
		"123e4567-e89b-12d3-a456-426614174000":          UUID,
		"{123E4567-E89B-12D3-A456-426614174000}":        UUID,
		"urn:uuid:123e4567-e89b-12d3-a456-426614174000": UUID,
		"123e4567-e89b-12d3-a456-42661417400":           0,
		"01ARZ3NDEKTSV4RRFFQ69G5FAV":                    ULID,
		"2024-05-06T07:08:09Z":                          Time,
		"2024-05-06 07:08:09.123+02:00":                 Time,
		"2024-05-06":                                    Date,
		"2024-99-06":                                    0,
		"2024-05-06T and more":                          0,
		"Sun, 06 Nov 1994 08:49:37 GMT":                 Time,
		"Sunday, 06-Nov-94 08:49:37 GMT":                Time,
		"06/Nov/1994:08:49:37 +0000":                    Time,
		"d41d8cd98f00b204e9800998ecf8427e":              Hex,
		`W/"d41d8cd98f00b204e9800998ecf8427e"`:          Hex,
		"4111111111111111":                              0, // a card's number
		"facefacefacefaceface":                          0,
		"eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2ln":     JWT,
		"eyJhbGciOiJIUzI1NiJ9":                          0,
		"hello world, said the server":                  0,
		"":                                              0,
	} {
		if got := Of(s); got != want {
			t.Errorf("%q: got %q, want %q", s, got, want)
		}
	}
}

func TestSame(t *testing.T) {
	if _, ok := Same("d41d8cd98f00b204e9800998ecf8427e", "da39a3ee5e6b4b0d3255bfef95601890afd80709"); ok {
		t.Error("digests of two lengths are of one kind")
	}
	if k, ok := Same("2024-05-06T07:08:09Z", "2025-05-06 07:08:09"); !ok || k != Time {
		t.Error("two times are not of one kind")
	}
	if _, ok := Same("a", "b"); ok {
		t.Error("nothing in particular is a kind")
	}
}

func TestNamesOne(t *testing.T) {
	for s, want := range map[string]bool{
		"123": true, "0": true, "-5": true, "": false, "-": false, "v1": false, "v2.1": false, "index.html": false, "users": false, "mp4": false,
		"9f8e7d6c": true, "cafebabe": false, "decade1": false, "2024-05-06": true,
		"123e4567-e89b-12d3-a456-426614174000": true,
		"cus_9f8e7d6c5b4a":                     true, "order-1234": true, "order-list": false, "sign-in": false, "ord_live_8Hk2Lm9P": true, "utf-8": true,
		"pi_3MtwBwLkdIwHu7ix28a3tqPa": true, "my-first-post": false, "getUserByName": false, "oauth2": false, "dQw4w9WgXcQ": true,
	} {
		if got := NamesOne(s); got != want {
			t.Errorf("%q: got %v, want %v", s, got, want)
		}
	}
}

// String is the kind's name for people, empty for nothing in particular.
func (k Kind) String() string {
	return [...]string{"", "UUID", "ULID", "time", "date", "hex digest", "JWT"}[k]
}
