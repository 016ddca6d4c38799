// Command opencdo-com is MAPI.Session for scripts and programs on Windows: a COM server of the object model.
package main

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"os"

	"golang.org/x/sys/windows"

	"github.com/opencdo/opencdo/comserver"
)

// logVariable names a file that the server logs to, as it has nowhere to write to.
const logVariable = "OPENCDO_COM_LOG"

func main() {
	stdout, stderr := console(windows.STD_OUTPUT_HANDLE, os.Stdout), console(windows.STD_ERROR_HANDLE, os.Stderr)
	log := slog.New(slog.DiscardHandler)
	if name := os.Getenv(logVariable); name != "" {
		f, err := os.OpenFile(name, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
		if err != nil {
			fmt.Fprintln(stderr, "opencdo-com:", err)
			os.Exit(1)
		}
		log = slog.New(slog.NewTextHandler(f, nil))
	}
	c := server(opener(log))
	c.Log = log
	code, handled := comserver.Main(context.Background(), c, os.Args[1:], stdout, stderr)
	if !handled {
		fmt.Fprintf(stderr, "opencdo-com serves MAPI.Session to scripts.\n\n%s\n", comserver.Usage)
		code = 2
	}
	os.Exit(code)
}

// console is where a program without a window of its own (-H=windowsgui) writes to: what it was given, else the window that
// it was started from.
func console(handle uint32, given *os.File) io.Writer {
	if h, err := windows.GetStdHandle(handle); err == nil && h != 0 && h != windows.InvalidHandle {
		return given
	}
	attach := windows.NewLazySystemDLL("kernel32.dll").NewProc("AttachConsole")
	const parent = ^uintptr(0)
	attach.Call(parent)
	f, err := os.OpenFile("CONOUT$", os.O_WRONLY, 0)
	if err != nil {
		return io.Discard
	}
	return f
}
