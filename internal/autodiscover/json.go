package autodiscover

import (
	"encoding/json"
	"io"
	"net/url"
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

// MarshalJSON leaves Url out of errors.
func (v V2) MarshalJSON() ([]byte, error) {
	if v.ErrorCode != "" {
		return json.Marshal(struct{ ErrorCode, ErrorMessage string }{v.ErrorCode, v.ErrorMessage})
	}
	type plain V2
	return json.Marshal(plain(v))
}

// ProtocolV1 is the protocol whose URL is that of POX.
const ProtocolV1 = "AutodiscoverV1"

// Error codes of the JSON variant.
const (
	V2NotSupported     = "ProtocolNotSupported"
	V2MissingProtocol  = "MissingProtocol"
	V2MissingParameter = "MandatoryParameterMissing"
)

// V2Error is the failure that a JSON answer reports.
type V2Error struct{ Code, Message string }

func (e *V2Error) Error() string { return "autodiscover: " + e.Code + ": " + e.Message }

// DecodeV2 reads a JSON answer; a reported failure is returned as *V2Error.
func DecodeV2(r io.Reader) (*V2, error) {
	var v V2
	if err := decodeJSON(r, &v); err != nil {
		return nil, err
	}
	if v.ErrorCode != "" {
		return nil, &V2Error{v.ErrorCode, v.ErrorMessage}
	}
	return &v, nil
}

// v2URL asks for the URL of a protocol for a mailbox. path is the service's.
func v2URL(at *url.URL, path, mailbox, protocol string) *url.URL {
	return &url.URL{Scheme: at.Scheme, Host: at.Host, Path: path + v2Version + mailbox, RawQuery: url.Values{"Protocol": {protocol}}.Encode()}
}
