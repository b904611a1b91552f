package cli

import (
	"fmt"
	"runtime"
	"runtime/debug"
	"strings"
)

// Version is the program's version: set by the linker, or the build's own.
var Version string

func version() string {
	if Version != "" {
		return Version
	}
	if info, ok := debug.ReadBuildInfo(); ok && info.Main.Version != "" && info.Main.Version != "(devel)" {
		return strings.TrimPrefix(info.Main.Version, "v")
	}
	return "0.0.0-dev"
}

func userAgent() string {
	return fmt.Sprintf("invoke-mgupload/%s (%s; %s)", version(), runtime.GOOS, runtime.GOARCH)
}
