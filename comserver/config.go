package comserver

import (
	"log/slog"
	"time"
)

// Config is a server.
type Config struct {
	Library *Library
	Classes []CoClass
	Name    string       // of the product, in the registry and in file names: "OpenCDO"
	AppID   GUID         // what permissions are given to
	Log     *slog.Logger // gets what no client is told; nil for none

	// Linger is how long the process stays after its last client, 3 s when 0. First is how long it waits for its first one,
	// 20 s when 0: a server that was started twice at once gets none.
	Linger, First time.Duration
}

const (
	defaultLinger = 3 * time.Second
	defaultFirst  = 20 * time.Second
	// A client may have been given the class factory just before it was withdrawn, and is about to use it. That takes
	// milliseconds, and longer on a busy machine.
	grace = time.Second
	// A client that ended between creating an object and its first call is only noticed by its silence. Programs that create an
	// object long before they use it are left in peace for as long.
	silence = time.Hour
)
