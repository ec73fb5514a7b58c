package recording

import (
	"errors"
	"io/fs"
	"os"
	"strings"
	"time"

	"github.com/buger/gor/internal/buffers"
	"github.com/buger/gor/internal/disk"
	"github.com/buger/gor/internal/formats"
)

// A Config says what is recorded to which files.
type Config struct {
	Kind    string // what messages call such an output: "output-file"
	Pattern string // the file's name, with %Y and the like; see names

	// Form is how the messages stand in the files: records, or HAR, Curl, JSONLines
	// or Pcap.
	Form formats.Kind

	answerWait time.Duration // 0: the constant; tests have less time

	Mode          fs.FileMode   // of a new file, whatever the umask says
	FlushInterval time.Duration // the longest that a message waits before it is in the file

	// A recording goes on in the next file, x_1.gor after x_0.gor, before the
	// present one has more than so many records or bytes. 0 means no limit; with
	// neither there is one file for each name.
	ChunkRecords int
	ChunkBytes   int

	// MaxBytes is the most that all files together get, 0 means no limit. Messages
	// call it MaxBytesName, such as "--max-size 1gb".
	MaxBytes     int
	MaxBytesName string

	MessageLimit int // bytes of the largest message that an existing recording may hold
	QueueBytes   int // of the messages that wait for the disk

	// Large makes the copies of large messages that all queues share; nil is one
	// for each.
	Large *buffers.Copies

	// Room returns an error, a *disk.LowError in it, while nothing more may be
	// written to the disk of a file. nil means no bound.
	Room func(path string) error

	// Yield is called between two pieces of work while the messages that wait take
	// less than half of their room: it may let another program have the core. Nil
	// does not.
	Yield func()

	Logf func(format string, args ...any)

	// SIGHUP reopens the files until RunOver is closed, or until Close when it is
	// nil. Background runs the goroutine that listens for it; nil is a go
	// statement.
	RunOver    <-chan struct{}
	Background func(func())
}

// ErrNoName is what Check and Open return when there is no pattern.
var ErrNoName = errors.New("want the name of a file, such as requests.gor")

// ErrNoChunks is what Check and Open return for a device or a pipe in chunks: the
// second would have a name beside it, and be a file.
var ErrNoChunks = errors.New("is not a regular file, and cannot be recorded in chunks")

// mayChunk returns ErrNoChunks when the name is that of something which has no
// chunks.
func (c *Config) mayChunk(n *names, now time.Time) error {
	if n.varies() || !c.chunks().any() {
		return nil
	}
	name := string(n.at(now, nil))
	fi, err := os.Stat(name)
	if strings.HasPrefix(name, "/dev/") || err == nil && !fi.Mode().IsRegular() && !fi.IsDir() {
		return ErrNoChunks
	}
	return nil
}

func (c *Config) chunks() chunkLimits {
	return chunkLimits{records: c.ChunkRecords, bytes: c.ChunkBytes}
}

// Check finds what would stop Open, as far as that can be told without making
// anything.
func Check(cfg Config) error {
	if cfg.Pattern == "" {
		return ErrNoName
	}
	n := newNames(cfg.Pattern)
	now := time.Now()
	if err := cfg.mayChunk(n, now); err != nil {
		return err
	}
	if n.varies() || cfg.chunks().any() {
		return disk.MayMake(n.folder(now))
	}
	return disk.MayOpen(string(n.at(now, nil)), disk.MayMake)
}
