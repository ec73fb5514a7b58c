package har

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"strings"
	"time"
)

// An entry is an exchange as HAR 1.2 has it, as far as a message is made of it.
type entry struct {
	Started  string  `json:"startedDateTime"`
	Time     float64 `json:"time"` // ms
	Request  request `json:"request"`
	Response answer  `json:"response"`
	Timings  timings `json:"timings"`
	Conn     string  `json:"connection"`
	Server   string  `json:"serverIPAddress"`
	ID       string  `json:"_id"` // Gor's own, as of a recording
	// Charles writes it; other exporters have an id of the page.
	Pageref string `json:"pageref"`
}

type request struct {
	Method  string    `json:"method"`
	URL     string    `json:"url"`
	Version string    `json:"httpVersion"`
	Headers headers   `json:"headers"`
	Post    *postData `json:"postData"`
}

type answer struct {
	Status  number  `json:"status"`
	Text    string  `json:"statusText"`
	Headers headers `json:"headers"`
	Content content `json:"content"`
}

type content struct {
	Size     number  `json:"size"`
	Text     *string `json:"text"`
	Encoding string  `json:"encoding"`
}

type postData struct {
	Mime     string  `json:"mimeType"`
	Text     string  `json:"text"`
	Encoding string  `json:"encoding"`
	Params   []param `json:"params"`
}

type param struct {
	Name     string `json:"name"`
	Value    string `json:"value"`
	FileName string `json:"fileName"`
	Type     string `json:"contentType"`
}

// timings are in ms, -1 where one does not apply.
type timings struct {
	Blocked float64 `json:"blocked"`
	DNS     float64 `json:"dns"`
	Connect float64 `json:"connect"`
	Send    float64 `json:"send"`
	Wait    float64 `json:"wait"`
	Receive float64 `json:"receive"`
}

// first is when the answer began, after the request's start.
func (t *timings) first() time.Duration {
	sum := 0.0
	for _, ms := range []float64{t.Blocked, t.DNS, t.Connect, t.Send, t.Wait} {
		sum += max(ms, 0)
	}
	return milliseconds(sum)
}

// milliseconds bounds what a file says: a day is more than any exchange takes.
func milliseconds(ms float64) time.Duration {
	return time.Duration(math.Round(min(max(ms, 0), 86_400_000) * float64(time.Millisecond)))
}

// A number is one, or a text that holds one, or null, as some exporters write a
// status.
type number int64

func (n *number) UnmarshalJSON(b []byte) error {
	text := strings.Trim(string(b), `"`)
	var f float64
	if text == "" || text == "null" {
		*n = 0
		return nil
	}
	if _, err := fmt.Sscanf(text, "%g", &f); err != nil || f != f || f > 1<<53 || f < -1<<53 {
		return fmt.Errorf("want a number, not %.40q", b)
	}
	*n = number(f)
	return nil
}

type header struct{ Name, Value string }

// headers are a list of objects with name and value, a list of pairs, or an
// object of names and values: exporters have all three.
type headers []header

func (h *headers) UnmarshalJSON(b []byte) error {
	*h = (*h)[:0]
	b = bytes.TrimSpace(b)
	if len(b) == 0 || bytes.Equal(b, []byte("null")) {
		return nil
	}
	if b[0] == '{' {
		dec := json.NewDecoder(bytes.NewReader(b))
		dec.Token()
		for dec.More() {
			name, err := dec.Token()
			if err != nil {
				return err
			}
			var raw json.RawMessage
			if err := dec.Decode(&raw); err != nil {
				return err
			}
			for _, v := range texts(raw) {
				*h = append(*h, header{fmt.Sprint(name), v})
			}
		}
		return nil
	}
	var list []json.RawMessage
	if err := json.Unmarshal(b, &list); err != nil {
		return errors.New("headers are neither a list nor an object")
	}
	for _, item := range list {
		var pair []string
		if json.Unmarshal(item, &pair) == nil && len(pair) >= 2 {
			*h = append(*h, header{pair[0], pair[1]})
			continue
		}
		var o struct {
			Name  string          `json:"name"`
			Value json.RawMessage `json:"value"`
		}
		if err := json.Unmarshal(item, &o); err != nil {
			return errors.New("a header is neither an object with name and value nor a pair")
		}
		for _, v := range texts(o.Value) {
			*h = append(*h, header{o.Name, v})
		}
	}
	return nil
}

// texts are the values of a header: a text, a number, a list of them.
func texts(raw json.RawMessage) []string {
	raw = bytes.TrimSpace(raw)
	if len(raw) == 0 || bytes.Equal(raw, []byte("null")) {
		return []string{""}
	}
	var s string
	if json.Unmarshal(raw, &s) == nil {
		return []string{s}
	}
	var list []string
	if json.Unmarshal(raw, &list) == nil {
		return list
	}
	return []string{string(raw)}
}

func (h headers) get(name string) (string, bool) {
	for _, one := range h {
		if strings.EqualFold(one.Name, name) {
			return one.Value, true
		}
	}
	return "", false
}
