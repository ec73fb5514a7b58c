package report

import (
	"bytes"
	"encoding/xml"
	"io"
	"slices"
	"strings"
	"testing"

	"github.com/buger/gor/internal/verdict"
)

// An element is what the schema of JUnit's XML says of one: its attributes, those that
// are required with an exclamation mark, what may stand in it, and whether text may.
type element struct {
	attributes, children string
	text                 bool
}

// junitSchema has what Jenkins's xUnit plugin takes (its junit-10.xsd), which is what
// Maven's Surefire and GitLab have in common, as far as a verdict has use for it.
var junitSchema = map[string]element{
	"":           {children: "testsuites"},
	"testsuites": {attributes: "name time tests failures errors", children: "testsuite"},
	"testsuite":  {attributes: "name! tests! failures! errors! skipped time timestamp hostname id package", children: "properties testcase system-out system-err"},
	"testcase":   {attributes: "name! time classname group", children: "skipped error failure system-out system-err"},
	"failure":    {attributes: "type message", text: true},
	"error":      {attributes: "type message", text: true},
	"skipped":    {attributes: "type message", text: true},
	"system-out": {text: true},
	"system-err": {text: true},
}

// checkJUnit holds a document against the schema.
func checkJUnit(t *testing.T, text []byte) {
	t.Helper()
	d := xml.NewDecoder(bytes.NewReader(text))
	in := []string{""}
	for {
		token, err := d.Token()
		if err == io.EOF {
			break
		}
		if err != nil {
			t.Fatalf("%v\n%s", err, text)
		}
		parent := in[len(in)-1]
		switch token := token.(type) {
		case xml.StartElement:
			name := token.Name.Local
			if !slices.Contains(strings.Fields(junitSchema[parent].children), name) {
				t.Errorf("<%s> stands in <%s>", name, parent)
			}
			is := map[string]bool{}
			for _, a := range token.Attr {
				is[a.Name.Local] = true
			}
			for word := range strings.FieldsSeq(junitSchema[name].attributes) {
				attribute, required := strings.CutSuffix(word, "!")
				if required && !is[attribute] {
					t.Errorf("<%s> has no %s", name, attribute)
				}
				delete(is, attribute)
			}
			for attribute := range is {
				t.Errorf("<%s> has a %s", name, attribute)
			}
			in = append(in, name)
		case xml.EndElement:
			in = in[:len(in)-1]
		case xml.CharData:
			if !junitSchema[parent].text && len(bytes.TrimSpace(token)) > 0 {
				t.Errorf("%q stands in <%s>", token, parent)
			}
		}
	}
	if len(in) != 1 {
		t.Errorf("%v is open at the end", in)
	}
}

func TestJUnitKeepsToItsSchema(t *testing.T) {
	some, nothing := testVerdict(t), verdict.New(verdict.Config{BodyMost: 1 << 20, Keeper: &keeper{}, New: "candidate"}).Result()
	any, err := verdict.ParseFailOn("any")
	if err != nil {
		t.Fatal(err)
	}
	for _, v := range []*Verdict{some, {Result: some.Result, Files: some.Files, FailOn: any}, {Result: nothing}} {
		var b bytes.Buffer
		if err := writeJUnit(&b, v); err != nil {
			t.Fatal(err)
		}
		checkJUnit(t, b.Bytes())
	}
}
