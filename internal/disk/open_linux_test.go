package disk

import (
	"errors"
	"os"
	"path/filepath"
	"syscall"
	"testing"
)

const stranger = 54321

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func put(t *testing.T, name, text string) string {
	t.Helper()
	must(t, os.WriteFile(name, []byte(text), 0o600))
	return name
}

// TestPlanted runs as root: no other user may give files away.
func TestPlanted(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("it makes files of another user and needs root: sudo go test -run '^TestPlanted$' ./internal/disk")
	}
	t.Setenv("SUDO_UID", "1000")
	type place struct{ sticky, own, theirs string }
	for _, tt := range []struct {
		name string
		make func(p place) string
		bad  bool
	}{
		{"nothing there", func(p place) string { return filepath.Join(p.sticky, "x") }, false},
		{"our file", func(p place) string { return put(t, filepath.Join(p.sticky, "x"), "") }, false},
		{"a stranger's file", func(p place) string {
			f := put(t, filepath.Join(p.sticky, "x"), "")
			must(t, os.Chmod(f, 0o666))
			must(t, os.Chown(f, stranger, stranger))
			return f
		}, true},
		{"sudo's caller's file", func(p place) string {
			f := put(t, filepath.Join(p.sticky, "x"), "")
			must(t, os.Chown(f, 1000, 1000))
			return f
		}, false},
		{"a stranger's file in the stranger's folder", func(p place) string {
			f := put(t, filepath.Join(p.theirs, "x"), "")
			must(t, os.Chown(f, stranger, stranger))
			return f
		}, false},
		{"a stranger's file in our folder", func(p place) string {
			f := put(t, filepath.Join(p.own, "x"), "")
			must(t, os.Chown(f, stranger, stranger))
			return f
		}, true},
		{"a stranger's pipe", func(p place) string {
			f := filepath.Join(p.sticky, "x")
			must(t, syscall.Mkfifo(f, 0o666))
			must(t, os.Chown(f, stranger, stranger))
			return f
		}, true},
		{"our pipe", func(p place) string {
			f := filepath.Join(p.sticky, "x")
			must(t, syscall.Mkfifo(f, 0o600))
			return f
		}, false},
		{"a stranger's link", func(p place) string {
			f := filepath.Join(p.sticky, "x")
			must(t, os.Symlink(put(t, filepath.Join(p.own, "victim"), ""), f))
			must(t, os.Lchown(f, stranger, stranger))
			return f
		}, true},
		{"a stranger's link to nothing", func(p place) string {
			f := filepath.Join(p.sticky, "x")
			must(t, os.Symlink(filepath.Join(p.own, "victim"), f))
			must(t, os.Lchown(f, stranger, stranger))
			return f
		}, true},
		{"our link to a stranger's link", func(p place) string {
			f, g := filepath.Join(p.own, "x"), filepath.Join(p.sticky, "y")
			must(t, os.Symlink(g, f))
			must(t, os.Symlink(filepath.Join(p.own, "victim"), g))
			must(t, os.Lchown(g, stranger, stranger))
			return f
		}, true},
		{"our link to nothing", func(p place) string {
			f := filepath.Join(p.own, "x")
			must(t, os.Symlink("victim", f))
			return f
		}, false},
		{"another name of our file", func(p place) string {
			f := filepath.Join(p.sticky, "x")
			must(t, os.Link(put(t, filepath.Join(p.own, "victim"), ""), f))
			return f
		}, true},
		{"a device", func(place) string { return os.DevNull }, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			p := place{t.TempDir(), t.TempDir(), t.TempDir()}
			must(t, os.Chmod(p.sticky, 0o777|os.ModeSticky))
			must(t, os.Chmod(p.own, 0o755))
			must(t, os.Chown(p.theirs, stranger, stranger))
			must(t, os.Chmod(p.theirs, 0o755))
			name := tt.make(p)
			_, before := os.Lstat(filepath.Join(p.own, "victim"))
			errs := map[string]error{"Check": Check(name), "Touch": Touch(name, 0o600), "Append": use(Append(name, 0o600))}
			if info, err := os.Stat(name); err != nil || info.Mode()&os.ModeNamedPipe == 0 { // it would wait for a reader
				errs["Rewrite"] = use(Rewrite(name, 0o600))
			}
			for what, err := range errs {
				if bad := errors.As(err, new(*Untrusted)); bad != tt.bad || err != nil && !bad {
					t.Errorf("%s: %v", what, err)
				}
			}
			if _, after := os.Lstat(filepath.Join(p.own, "victim")); tt.bad && (before == nil) != (after == nil) {
				t.Error("the file behind the link was made")
			}
		})
	}
}

// use writes a byte, and closes.
func use(f *os.File, err error) error {
	if err != nil {
		return err
	}
	_, err = f.Write([]byte("x"))
	return errors.Join(err, f.Close())
}

// TestReplaceFollowsNothing: what lies under the temporary name is not written to.
func TestReplaceFollowsNothing(t *testing.T) {
	dir := t.TempDir()
	victim, name := put(t, filepath.Join(dir, "victim"), "safe"), filepath.Join(dir, "mark")
	must(t, os.Symlink(victim, name+".new"))
	must(t, Replace(name, []byte("x")))
	b, _ := os.ReadFile(victim)
	got, _ := os.ReadFile(name)
	if info, err := os.Lstat(name); string(b) != "safe" || string(got) != "x" || err != nil || info.Mode() != 0o600 {
		t.Errorf("%q, %q, %v", b, got, info)
	}
	if _, err := os.Lstat(name + ".new"); err == nil {
		t.Error("the temporary file is left")
	}
}

func TestRewriteEmpties(t *testing.T) {
	name := put(t, filepath.Join(t.TempDir(), "x"), "long text")
	must(t, use(Rewrite(name, 0o600)))
	if b, _ := os.ReadFile(name); string(b) != "x" {
		t.Errorf("%q", b)
	}
}

func TestAppendAndMode(t *testing.T) {
	name := filepath.Join(t.TempDir(), "x")
	must(t, use(Append(name, 0o640)))
	must(t, use(Append(name, 0o600)))
	b, _ := os.ReadFile(name)
	if info, err := os.Stat(name); err != nil || info.Mode() != 0o640 || string(b) != "xx" {
		t.Errorf("%q, %v", b, info)
	}
}
