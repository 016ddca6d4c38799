// Package rpchttp carries RPC over HTTP, version 2 ([MS-RPCH]): the transport that Outlook used before MAPI over HTTP.
//
// A virtual connection consists of two HTTP requests: the IN channel, whose request body goes on and on, and the OUT channel,
// whose response does. The channels of a connection are replaced, or recycled, before they reach the length that
// their headers declare. On top of both is a net.Conn that carries RPC PDUs: one side's is from [Dial], the other's is
// given to [Handler].Serve.
package rpchttp

import "time"

// Ports of the services that Exchange offers through its RPC proxy.
const (
	PortMailbox     = 6001 // EMSMDB
	PortReferral    = 6002 // RFR
	PortAddressBook = 6004 // NSPI
)

// Defaults of zero values in Config and Handler.
const (
	// DefaultChannelLifetime is Windows's: the bytes after which a channel is recycled.
	DefaultChannelLifetime = 1 << 30
	// DefaultReceiveWindow is the largest that [MS-RPCH] 2.2.3.5.1 allows: what may be under way limits the speed on
	// connections with a long round trip.
	DefaultReceiveWindow = 256 << 10
	// DefaultKeepalive is what 0 means in a ClientKeepalive command ([MS-RPCH] 2.2.3.5.6).
	DefaultKeepalive = 5 * time.Minute
	// DefaultConnectionTimeout is what IIS allows an idle connection.
	DefaultConnectionTimeout = 15 * time.Minute
	// DefaultOpenTimeout is the time for the steps of opening, for each channel and for the connection, and of recycling.
	DefaultOpenTimeout = 30 * time.Second
	// DefaultMaxConnections bounds the memory that idle clients can hold.
	DefaultMaxConnections = 10000
)

const (
	minReceiveWindow = 8 << 10 // [MS-RPCH] 2.2.3.5.1
	maxReceiveWindow = 256 << 10

	// What is kept of a channel's lifetime for the PDUs that recycle it. Windows begins with that when so little is left.
	inReserve  = 4 << 10
	outReserve = 8 << 10

	firstOutLength = 76  // Content-Length of an OUT channel's request: a CONN/A1 ([MS-RPCH] 2.1.2.1.2)
	laterOutLength = 120 // of a replacement: an OUT_R1/A3 or OUT_R2/A3, and an OUT_R1/A11 or OUT_R2/C1
	maxEchoLength  = 0x10
	maxOutLength   = 4 << 10 // what this server takes: room for padding

	contentType = "application/rpc"
)

// echoBody is what Windows sends in an echo request ([MS-RPCH] 2.1.2.1.5).
var echoBody = []byte{0xF8, 0xE8, 0x18, 0x08}

// pingInterval is how long a sender may be silent: half of what the receiver waits ([MS-RPCH] 3.2.1.2.1).
func pingInterval(timeouts ...time.Duration) time.Duration {
	var least time.Duration
	for _, t := range timeouts {
		if t > 0 && (least == 0 || t < least) {
			least = t
		}
	}
	return least / 2
}

func defaulted[T comparable](v, ifZero T) T {
	var zero T
	if v == zero {
		return ifZero
	}
	return v
}
