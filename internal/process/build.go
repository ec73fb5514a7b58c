package process

import (
	"runtime"
	"runtime/debug"
)

// revisionShown is how much of a revision is shown: what Git shows at most of one
// that it shortens.
const revisionShown = 12

// Build is a version with the revision that it was built from, when the build
// knows it, the platform, and Go's version.
func Build(version string) string {
	if build, ok := debug.ReadBuildInfo(); ok {
		for _, setting := range build.Settings {
			if setting.Key == "vcs.revision" {
				version += " " + setting.Value[:min(revisionShown, len(setting.Value))]
			}
		}
	}
	return version + " " + runtime.GOOS + "/" + runtime.GOARCH + " " + runtime.Version()
}
