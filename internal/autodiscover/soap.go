package autodiscover

import (
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"strings"
)

// Names of [MS-OXWSADISC] 2.2.1. As with POX, published pages print https where the wire has http.
const (
	nsService = "http://schemas.microsoft.com/exchange/2010/Autodiscover"

	actionGetUserSettings = nsService + "/Autodiscover/GetUserSettings"
	// requestedVersion is the oldest that serves all settings that are asked for.
	requestedVersion = "Exchange2010"
)

// soapEnvelope is a SOAP 1.1 message. Elements without a namespace of their own are in that of the one around them.
type soapEnvelope[B any] struct {
	XMLName xml.Name   `xml:"http://schemas.xmlsoap.org/soap/envelope/ Envelope"`
	Header  soapHeader `xml:"Header"`
	Body    B          `xml:"Body"`
}

type soapHeader struct {
	RequestedServerVersion string         `xml:"http://schemas.microsoft.com/exchange/2010/Autodiscover RequestedServerVersion,omitempty"`
	Action                 *soapAction    `xml:"http://www.w3.org/2005/08/addressing Action"`
	To                     string         `xml:"http://www.w3.org/2005/08/addressing To,omitempty"`
	ServerVersionInfo      *ServerVersion `xml:"http://schemas.microsoft.com/exchange/2010/Autodiscover ServerVersionInfo"`
}

type soapAction struct {
	MustUnderstand string `xml:"http://schemas.xmlsoap.org/soap/envelope/ mustUnderstand,attr,omitempty"`
	URI            string `xml:",chardata"`
}

type userSettingsRequestMessage struct {
	Request *UserSettingsRequest `xml:"Request"`
}

type userSettingsRequestBody struct {
	Message *userSettingsRequestMessage `xml:"http://schemas.microsoft.com/exchange/2010/Autodiscover GetUserSettingsRequestMessage"`
}

type userSettingsResponseMessage struct {
	Response *UserSettingsResponse `xml:"Response"`
}

type userSettingsResponseBody struct {
	Message *userSettingsResponseMessage `xml:"http://schemas.microsoft.com/exchange/2010/Autodiscover GetUserSettingsResponseMessage"`
	Fault   *soapFault                   `xml:"Fault"`
}

// soapFault has elements in no namespace, whatever is around them (SOAP 1.1, 4.4).
type soapFault struct {
	Code   soapFaultText `xml:"faultcode"`
	Reason soapFaultText `xml:"faultstring"`
}

type soapFaultText struct {
	Xmlns string `xml:"xmlns,attr"`
	Text  string `xml:",chardata"`
}

// UserSettingsRequest is GetUserSettingsRequest ([MS-OXWSADISC] 3.1.4.4).
type UserSettingsRequest struct {
	Mailboxes []UserSettingsMailbox `xml:"Users>User"`
	Settings  []string              `xml:"RequestedSettings>Setting"`
}

// UserSettingsMailbox is the User of a request.
type UserSettingsMailbox struct {
	Mailbox string `xml:"Mailbox"`
}

// UserSettingsResponse is GetUserSettingsResponse ([MS-OXWSADISC] 3.1.4.4).
type UserSettingsResponse struct {
	ErrorCode    string             `xml:"ErrorCode"`
	ErrorMessage string             `xml:"ErrorMessage"`
	Users        []UserSettingsUser `xml:"UserResponses>UserResponse"`
}

// UserSettingsUser is a UserResponse: the settings of a mailbox, or where to ask again.
type UserSettingsUser struct {
	ErrorCode      string             `xml:"ErrorCode"`
	ErrorMessage   string             `xml:"ErrorMessage"`
	RedirectTarget string             `xml:"RedirectTarget,omitempty"`
	Errors         []UserSettingError `xml:"UserSettingErrors>UserSettingError"`
	Settings       []UserSetting      `xml:"UserSettings>UserSetting"`
}

// UserSettingError says why there is no value of a setting.
type UserSettingError struct {
	ErrorCode    string `xml:"ErrorCode"`
	ErrorMessage string `xml:"ErrorMessage"`
	SettingName  string `xml:"SettingName"`
}

// UserSetting is a setting with its value, or with mailboxes (AlternateMailboxes).
type UserSetting struct {
	Type      string               `xml:"http://www.w3.org/2001/XMLSchema-instance type,attr"`
	Name      string               `xml:"Name"`
	Value     string               `xml:"Value,omitempty"`
	Mailboxes []AlternativeMailbox `xml:"AlternateMailboxes>AlternateMailbox"`
}

// Types of UserSetting that are used.
const (
	stringSetting    = "StringSetting"
	mailboxesSetting = "AlternateMailboxCollectionSetting"
)

// Error codes of GetUserSettings ([MS-OXWSADISC] 2.2.5.1).
const (
	SOAPNoError             = "NoError"
	SOAPRedirectAddress     = "RedirectAddress"
	SOAPRedirectURL         = "RedirectUrl"
	SOAPInvalidUser         = "InvalidUser"
	SOAPInvalidRequest      = "InvalidRequest"
	SOAPInvalidSetting      = "InvalidSetting"
	SOAPSettingNotAvailable = "SettingIsNotAvailable"
	SOAPServerBusy          = "ServerBusy"
	SOAPInternalServerError = "InternalServerError"
)

// SOAPError is a failure that a SOAP answer reports; its code is one of the above, or that of a fault.
type SOAPError struct{ Code, Message string }

func (e *SOAPError) Error() string { return "autodiscover: " + e.Code + ": " + e.Message }

// Is matches another *SOAPError with the same code, and the POX error that says the same.
func (e *SOAPError) Is(target error) bool {
	switch t := target.(type) {
	case *SOAPError:
		return t.Code == e.Code
	case *Error:
		return t.ErrorCode == ErrorNoMailbox && e.Code == SOAPInvalidUser
	}
	return false
}

// EncodeUserSettingsRequest writes a request that goes to a URL.
func EncodeUserSettingsRequest(r *UserSettingsRequest, to string) ([]byte, error) {
	doc := soapEnvelope[userSettingsRequestBody]{Header: soapHeader{RequestedServerVersion: requestedVersion, Action: &soapAction{URI: actionGetUserSettings}, To: to}}
	doc.Body.Message = &userSettingsRequestMessage{r}
	return encodeXML(&doc)
}

// DecodeUserSettingsRequest reads a request. One for another operation is a *SOAPError.
func DecodeUserSettingsRequest(r io.Reader) (*UserSettingsRequest, error) {
	var doc soapEnvelope[userSettingsRequestBody]
	if err := decodeXML(formatSOAP, r, &doc); err != nil {
		return nil, err
	}
	if a := doc.Header.Action; a != nil && strings.TrimSpace(a.URI) != actionGetUserSettings {
		return nil, &SOAPError{SOAPInvalidRequest, fmt.Sprintf("the action %q isn't served", a.URI)}
	}
	if doc.Body.Message == nil || doc.Body.Message.Request == nil {
		return nil, &SOAPError{SOAPInvalidRequest, "no request for user settings"}
	}
	request := doc.Body.Message.Request
	for i := range request.Mailboxes {
		trim(&request.Mailboxes[i].Mailbox)
	}
	for i := range request.Settings {
		trim(&request.Settings[i])
	}
	return request, nil
}

// EncodeUserSettingsResponse writes an answer of a server of the given version.
func EncodeUserSettingsResponse(r *UserSettingsResponse, v ServerVersion) ([]byte, error) {
	doc := soapEnvelope[userSettingsResponseBody]{Header: soapHeader{Action: &soapAction{MustUnderstand: "1", URI: actionGetUserSettings + "Response"}, ServerVersionInfo: &v}}
	doc.Body.Message = &userSettingsResponseMessage{r}
	return encodeXML(&doc)
}

// DecodeUserSettingsResponse reads an answer. A fault, or an error that concerns the whole request, is a *SOAPError.
func DecodeUserSettingsResponse(r io.Reader) (*UserSettingsResponse, error) {
	var doc soapEnvelope[userSettingsResponseBody]
	if err := decodeXML(formatSOAP, r, &doc); err != nil {
		return nil, err
	}
	if f := doc.Body.Fault; f != nil {
		return nil, &SOAPError{strings.TrimSpace(f.Code.Text), strings.TrimSpace(f.Reason.Text)}
	}
	if doc.Body.Message == nil || doc.Body.Message.Response == nil {
		return nil, &DocumentError{formatSOAP, 0, errors.New("neither user settings nor a fault")}
	}
	response := doc.Body.Message.Response
	if response.ErrorCode != SOAPNoError {
		return nil, &SOAPError{response.ErrorCode, response.ErrorMessage}
	}
	return response, nil
}

// encodeFault is the answer to what isn't a request.
func encodeFault(reason string) ([]byte, error) {
	doc := soapEnvelope[userSettingsResponseBody]{}
	doc.Body.Fault = &soapFault{Code: soapFaultText{Text: "Client"}, Reason: soapFaultText{Text: reason}}
	return encodeXML(&doc)
}
