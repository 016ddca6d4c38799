package autodiscover

import (
	"encoding/json"
	"fmt"
	"io"
)

// V2 is the answer of the JSON variant, GET /autodiscover/autodiscover.json/v1.0/ADDRESS?Protocol=NAME:
// the URL that serves a protocol, or an error. A protocol that the server knows
// but doesn't serve has an empty URL.
type V2 struct {
	Protocol string `json:"Protocol,omitempty"`
	URL      string `json:"Url"`

	ErrorCode    string `json:"ErrorCode,omitempty"` // e.g. ProtocolNotSupported
	ErrorMessage string `json:"ErrorMessage,omitempty"`
}

// V2Error is the failure that a JSON answer reports.
type V2Error struct{ Code, Message string }

func (e *V2Error) Error() string { return "autodiscover: " + e.Code + ": " + e.Message }

// DecodeV2 reads a JSON answer; a reported failure is returned as *V2Error.
func DecodeV2(r io.Reader) (*V2, error) {
	var v V2
	if err := json.NewDecoder(io.LimitReader(r, maxDocument)).Decode(&v); err != nil {
		return nil, fmt.Errorf("autodiscover: %w", err)
	}
	if v.ErrorCode != "" {
		return nil, &V2Error{v.ErrorCode, v.ErrorMessage}
	}
	return &v, nil
}
