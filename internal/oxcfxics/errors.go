package oxcfxics

import (
	"fmt"

	"github.com/opencdo/opencdo/internal/oxcdata"
	"github.com/opencdo/opencdo/mapi"
)

// FormatError says where a stream, or a set of ids, is malformed. It answers errors.Is for mapi.ErrFormat and
// oxcdata.ErrFormat.
type FormatError struct {
	Offset int64 // of the element or command that is wrong
	Reason string
}

func (e *FormatError) Error() string {
	return fmt.Sprintf("FastTransfer stream: malformed at offset 0x%x: %s", e.Offset, e.Reason)
}

// Is implements errors.Is.
func (e *FormatError) Is(target error) bool { return target == oxcdata.ErrFormat }

// Unwrap gives the error code of a malformed stream.
func (e *FormatError) Unwrap() error { return mapi.ErrFormat }
