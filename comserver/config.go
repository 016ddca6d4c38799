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
