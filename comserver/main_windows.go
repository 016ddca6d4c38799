package comserver

import (
	"context"
	"fmt"
	"io"
	"strings"

	"golang.org/x/sys/windows"
)

// Usage is the text about the options that [Main] knows.
const Usage = `/regserver [/machine | /user] [/takeover]   make the classes known, to all users or to yourself
/unregserver [/machine | /user]             undo that
-Embedding                                  serve; COM starts the program so`

// Main handles the command line of a COM server. handled is false where it says nothing of COM, and code is the exit status.
// After -Embedding it doesn't return: the process ends with its last client.
func Main(ctx context.Context, c Config, args []string, stdout, stderr io.Writer) (code int, handled bool) {
	var register, unregister, embedding, user, machine, takeOver, unknown bool
	for _, arg := range args {
		name := strings.ToLower(strings.TrimLeft(arg, "/-"))
		switch {
		case name == strings.ToLower(arg): // neither / nor -
			unknown = true
		case name == "regserver":
			register = true
		case name == "unregserver":
			unregister = true
		case name == "embedding", name == "automation":
			embedding = true
		case name == "user":
			user = true
		case name == "machine":
			machine = true
		case name == "takeover":
			takeOver = true
		default:
			unknown = true
		}
	}
	switch {
	case embedding:
		if err := Serve(ctx, c); err != nil && c.Log != nil {
			c.Log.Error(err.Error())
			code = 1
		}
		// COM's threads may hold locks that an orderly end of the process waits for (seen under Wine), and nothing is left
		// to be done.
		windows.TerminateProcess(windows.CurrentProcess(), uint32(code))
		return code, true
	case register == unregister:
		return 0, false
	case unknown, user && machine, unregister && takeOver:
		fmt.Fprintln(stderr, Usage)
		return 2, true
	}
	if unregister {
		if err := Unregister(c, user); err != nil {
			fmt.Fprintln(stderr, "unregistering:", err)
			return 1, true
		}
		return 0, true
	}
	left, err := Register(c, Registration{User: user, TakeOver: takeOver})
	if err != nil {
		fmt.Fprintln(stderr, "registering:", err)
		return 1, true
	}
	for _, name := range left {
		fmt.Fprintf(stdout, "%s stays with the product that has registered it; /takeover takes it over until /unregserver.\n", name)
	}
	return 0, true
}
