package disk

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/buger/gor/internal/testkit"
)

// TestUnderSudo: what root makes for the user who called it belongs to that user,
// with mode 0600, where that user could have made it too; elsewhere to root.
func TestUnderSudo(t *testing.T) {
	if os.Getuid() != 0 {
		t.Skip("needs root: a file can be given away by root alone")
	}
	const user, group = 54321, 54322
	t.Setenv("SUDO_UID", "54321")
	t.Setenv("SUDO_GID", "54322")
	theirs, roots, shared := t.TempDir(), t.TempDir(), t.TempDir()
	testkit.Must(t, os.Chown(theirs, user, group))
	testkit.Must(t, os.Chmod(shared, 0o777|os.ModeSticky))
	uidOf := func(name string) uint32 {
		info, err := os.Lstat(name)
		testkit.Must(t, err)
		uid, _ := owner(info)
		if info.Mode().IsRegular() && info.Mode().Perm() != 0o600 {
			t.Errorf("%s has mode %v", name, info.Mode())
		}
		return uid
	}
	for _, tt := range []struct {
		folder string
		want   uint32
	}{{theirs, user}, {shared, user}, {roots, 0}} {
		for i, makeIt := range []func(name string) error{
			func(name string) error {
				f, err := Append(name, 0o600)
				if err == nil {
					err = f.Close()
				}
				return err
			},
			func(name string) error { return Replace(name, []byte("x")) },
			func(name string) error { return MakeFolders(name, 0o700) },
			func(name string) error { return Touch(name, 0o600) },
		} {
			name := filepath.Join(tt.folder, string(rune('a'+i)))
			testkit.Must(t, makeIt(name))
			if got := uidOf(name); got != tt.want {
				t.Errorf("%s belongs to %d, want %d", name, got, tt.want)
			}
		}
	}
	deep := filepath.Join(theirs, "x", "y", "z")
	testkit.Must(t, MakeFolder(deep))
	if uidOf(deep) != user || uidOf(filepath.Dir(deep)) != user {
		t.Error("folders in a folder of the user's do not belong to the user")
	}
	// A folder that is a link to one of root's is one of root's.
	testkit.Must(t, os.Symlink(roots, filepath.Join(theirs, "link")))
	f, err := Create(filepath.Join(theirs, "link", "cron"), 0o600)
	testkit.Must(t, err)
	testkit.Must(t, f.Close())
	if got := uidOf(filepath.Join(roots, "cron")); got != 0 {
		t.Errorf("a file in a folder of root's was given to %d", got)
	}
	for _, wrong := range []string{"", "0", "-1", "x", "99999999999"} {
		t.Setenv("SUDO_UID", wrong)
		name := filepath.Join(shared, "wrong"+wrong)
		testkit.Must(t, Touch(name, 0o600))
		if got := uidOf(name); got != 0 {
			t.Errorf("SUDO_UID=%q gave a file to %d", wrong, got)
		}
	}
}
