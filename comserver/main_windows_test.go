package comserver

import (
	"context"
	"log/slog"
	"os"
	"slices"
	"strings"
	"testing"

	"golang.org/x/sys/windows"
)

// TestMain makes the test program a COM server too: COM starts it with -Embedding.
func TestMain(m *testing.M) {
	if slices.Contains(os.Args[1:], "-Embedding") {
		log, err := os.OpenFile(os.Args[0]+".log", os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o666)
		if err == nil {
			toyConfig.Log = slog.New(slog.NewTextHandler(log, nil))
		}
		s, err := newServer(toyConfig)
		if err == nil {
			counts = s.live.counts
			err = s.serve(context.Background())
		}
		toyConfig.Log.Info("leaving", "err", err)
		windows.TerminateProcess(windows.CurrentProcess(), 0)
	}
	if len(os.Args) > 1 && !strings.HasPrefix(os.Args[1], "-test.") {
		if code, handled := Main(context.Background(), toyConfig, os.Args[1:], os.Stdout, os.Stderr); handled {
			os.Exit(code)
		}
	}
	os.Exit(m.Run())
}
