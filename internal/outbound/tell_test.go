package outbound

import (
	"errors"
	"fmt"
	"slices"
	"testing"
)

func TestTellHealth(t *testing.T) {
	var said []string
	tell := TellHealth("output-x a", func(format string, args ...any) { said = append(said, fmt.Sprintf(format, args...)) })
	tell(errors.New("refused"))
	tell(nil)
	if want := []string{"output-x a: refused", "output-x a: takes connections again"}; !slices.Equal(said, want) {
		t.Errorf("said %q, want %q", said, want)
	}
}
