package plugin

// A Parsed is an Input or an Output whose address was understood: it can be
// checked, or opened.
type Parsed[P any] struct {
	// Check says what would stop Open, as far as that can be told without
	// opening, making or sending anything; nil has nothing to say.
	Check func() error

	Open func(env *Env) (P, error)

	// Server is where the requests go; nil when they go to something else than a
	// server for them.
	Server *Server

	// Recording is the file that is read or written, or a pattern of its name;
	// "" otherwise.
	Recording string
}

// A Server is where an output sends requests.
type Server struct {
	Name    string // the output's, for people
	Address string // host and port
	Label   string // what its answers are known by; "": it has none
}

// Checked is the error with which it was parsed, or what Check says.
func (p Parsed[P]) Checked(err error) error {
	if err != nil || p.Check == nil {
		return err
	}
	return p.Check()
}

// Wrapped is p with a wrapper around what it opens.
func (p Parsed[P]) Wrapped(wrap func(P) P) Parsed[P] {
	open := p.Open
	p.Open = func(env *Env) (P, error) {
		opened, err := open(env)
		if err != nil {
			return opened, err
		}
		return wrap(opened), nil
	}
	return p
}
