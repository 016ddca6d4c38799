// Package autodiscover finds the endpoints and names of a mailbox: the plain-XML
// protocol ("POX") of [MS-OXDSCLI], the SOAP operation GetUserSettings of
// [MS-OXWSADISC] and the JSON variant, client and server, and the order of
// [MS-OXDISCO] in which a client looks for the service.
package autodiscover

import (
	"encoding/xml"
	"fmt"
	"io"
	"strconv"
	"strings"
)

// Namespaces. Published pages print some of them with https; the wire has http.
const (
	nsRequest  = "http://schemas.microsoft.com/exchange/autodiscover/outlook/requestschema/2006"
	nsEnvelope = "http://schemas.microsoft.com/exchange/autodiscover/responseschema/2006"
	// ResponseSchema is the value of Request.AcceptableResponseSchema.
	ResponseSchema = "http://schemas.microsoft.com/exchange/autodiscover/outlook/responseschema/2006a"
)

const (
	contentTypeXML = "text/xml; charset=utf-8"
	// headerMapiHTTP with a value of 1 or more asks for the mapiHttp protocol.
	headerMapiHTTP = "X-MapiHttpCapability"
	// headerAnchor lets a front end route the request to the mailbox's server.
	headerAnchor = "X-AnchorMailbox"
	// headerCanHandle asks for EXHTTP and for negotiate as an AuthPackage ([MS-OXDSCLI] 2.2.2.2).
	headerCanHandle = "X-ClientCanHandle"
	canNegotiate    = "Negotiate"
	canExHTTP       = "ExHttpInfo"
	canHandle       = canNegotiate + "," + canExHTTP
)

// Request is the Autodiscover request ([MS-OXDSCLI] 2.2.3.1.1). Either
// EMailAddress or LegacyDN names the mailbox.
type Request struct {
	EMailAddress             string `xml:"EMailAddress,omitempty"`
	LegacyDN                 string `xml:"LegacyDN,omitempty"`
	AcceptableResponseSchema string `xml:"AcceptableResponseSchema"`
}

// requestDocument is Request in its envelope ([MS-OXDSCLI] 2.2.3.1).
type requestDocument struct {
	XMLName xml.Name `xml:"Autodiscover"`
	Xmlns   string   `xml:"xmlns,attr"`
	Request Request  `xml:"Request"`
}

// Response is the Autodiscover response ([MS-OXDSCLI] 2.2.4.1.1): User and
// Account, or Error.
type Response struct {
	User    *User    `xml:"User"`
	Account *Account `xml:"Account"`
	Error   *Error   `xml:"Error"`
	Other   Elements `xml:",any"`
}

// responseDocument is Response in its envelope ([MS-OXDSCLI] 2.2.4.1). The inner
// namespace is the requested schema's, or the envelope's with an Error.
type responseDocument struct {
	XMLName  xml.Name      `xml:"Autodiscover"`
	Xmlns    string        `xml:"xmlns,attr"`
	Response innerResponse `xml:"Response"`
}

type innerResponse struct {
	XMLName xml.Name `xml:"Response"`
	Xmlns   string   `xml:"xmlns,attr,omitempty"`
	Response
}

// User identifies the mailbox's owner ([MS-OXDSCLI] 2.2.4.1.1.1).
type User struct {
	AutoDiscoverSMTPAddress string   `xml:"AutoDiscoverSMTPAddress,omitempty"`
	DisplayName             string   `xml:"DisplayName,omitempty"`
	LegacyDN                string   `xml:"LegacyDN,omitempty"`
	DeploymentId            string   `xml:"DeploymentId,omitempty"`
	Other                   Elements `xml:",any"`
}

// Values of Account.Action.
const (
	ActionSettings     = "settings"
	ActionRedirectAddr = "redirectAddr"
	ActionRedirectURL  = "redirectUrl"
)

// Account holds the settings, or where to ask again ([MS-OXDSCLI] 2.2.4.1.1.2).
type Account struct {
	AccountType             string                   `xml:"AccountType,omitempty"`
	Action                  string                   `xml:"Action,omitempty"`
	MicrosoftOnline         string                   `xml:"MicrosoftOnline,omitempty"`
	ConsumerMailbox         string                   `xml:"ConsumerMailbox,omitempty"`
	RedirectAddr            string                   `xml:"RedirectAddr,omitempty"`
	RedirectURL             string                   `xml:"RedirectUrl,omitempty"`
	Protocol                []Protocol               `xml:"Protocol"`
	AlternativeMailbox      []AlternativeMailbox     `xml:"AlternativeMailbox"`
	PublicFolderInformation *PublicFolderInformation `xml:"PublicFolderInformation"`
	Other                   Elements                 `xml:",any"`
}

// Protocol types. MapiHttp is given as an attribute of Protocol, the others as a
// child element.
const (
	EXCH     = "EXCH"   // RPC, inside
	EXPR     = "EXPR"   // RPC over HTTP, outside
	EXHTTP   = "EXHTTP" // RPC over HTTP, newer clients; may occur twice
	WEB      = "WEB"
	MapiHttp = "mapiHttp"
)

// Values of AuthPackage that have a meaning here. Servers write others, too.
const (
	AuthBasic     = "basic"
	AuthNTLM      = "ntlm"
	AuthNegotiate = "negotiate"
)

// Protocol is one way to reach the mailbox ([MS-OXDSCLI] 2.2.4.1.1.2.6). Which
// fields there are depends on Type.
type Protocol struct {
	TypeAttr string `xml:"Type,attr,omitempty"`
	Version  string `xml:"Version,attr,omitempty"` // of mapiHttp: 1

	Type                   string        `xml:"Type,omitempty"`
	Server                 string        `xml:"Server,omitempty"` // EXCH: guid@domain; EXPR: the proxy's host
	ServerDN               string        `xml:"ServerDN,omitempty"`
	ServerVersion          string        `xml:"ServerVersion,omitempty"` // 8 hex digits
	MdbDN                  string        `xml:"MdbDN,omitempty"`
	PublicFolderServer     string        `xml:"PublicFolderServer,omitempty"`
	AD                     string        `xml:"AD,omitempty"`
	Port                   string        `xml:"Port,omitempty"`
	SSL                    string        `xml:"SSL,omitempty"` // On, Off
	AuthPackage            string        `xml:"AuthPackage,omitempty"`
	CertPrincipalName      string        `xml:"CertPrincipalName,omitempty"`
	ServerExclusiveConnect string        `xml:"ServerExclusiveConnect,omitempty"`
	TTL                    string        `xml:"TTL,omitempty"`
	ASURL                  string        `xml:"ASUrl,omitempty"`
	EwsURL                 string        `xml:"EwsUrl,omitempty"`
	EmwsURL                string        `xml:"EmwsUrl,omitempty"`
	EcpURL                 string        `xml:"EcpUrl,omitempty"`
	OOFURL                 string        `xml:"OOFUrl,omitempty"`
	OABURL                 string        `xml:"OABUrl,omitempty"`
	UMURL                  string        `xml:"UMUrl,omitempty"`
	MailStore              *EndpointURLs `xml:"MailStore"`
	AddressBook            *EndpointURLs `xml:"AddressBook"`
	Other                  Elements      `xml:",any"` // e.g. EcpUrl-photo
}

// Kind is the protocol's type, wherever it was given.
func (p *Protocol) Kind() string {
	if p.TypeAttr != "" {
		return p.TypeAttr
	}
	return p.Type
}

// EndpointURLs are the inside and outside addresses of one MAPI/HTTP endpoint.
// Their query strings are part of them.
type EndpointURLs struct {
	InternalURL string   `xml:"InternalUrl,omitempty"`
	ExternalURL string   `xml:"ExternalUrl,omitempty"`
	Other       Elements `xml:",any"`
}

// AlternativeMailbox is another mailbox of the user's: an archive, or one to
// which the user has access ([MS-OXDSCLI] 2.2.4.1.1.2.2). Its LegacyDN is meant
// for RopLogon, not for Connect.
type AlternativeMailbox struct {
	Type             string   `xml:"Type,omitempty"` // Archive, Delegate, TeamMailbox, ...
	DisplayName      string   `xml:"DisplayName,omitempty"`
	LegacyDN         string   `xml:"LegacyDN,omitempty"`
	Server           string   `xml:"Server,omitempty"`
	SmtpAddress      string   `xml:"SmtpAddress,omitempty"`
	OwnerSmtpAddress string   `xml:"OwnerSmtpAddress,omitempty"`
	Other            Elements `xml:",any"`
}

// PublicFolderInformation names the public folder mailbox to discover next
// ([MS-OXDSCLI] 2.2.4.1.1.2.9).
type PublicFolderInformation struct {
	SmtpAddress string   `xml:"SmtpAddress,omitempty"`
	Other       Elements `xml:",any"`
}

// Elements keeps children that have no field of their own.
type Elements []Element

// Element is one XML element of any name.
type Element struct {
	XMLName  xml.Name
	Attrs    []xml.Attr `xml:",any,attr"`
	Text     string     `xml:",chardata"`
	Children Elements   `xml:",any"`
}

// ErrorCode is an Autodiscover error ([MS-OXDSCLI] 2.2.4.1.1.3.1).
type ErrorCode int

const (
	ErrorNoMailbox      ErrorCode = 500 // the address isn't known
	ErrorInvalidRequest ErrorCode = 600
	ErrorNoProvider     ErrorCode = 601 // the requested response schema isn't supported
	ErrorBadAddress     ErrorCode = 602
	ErrorServer         ErrorCode = 603 // settings can't be read
)

var errorMessages = map[ErrorCode]string{
	ErrorNoMailbox:      "The email address can't be found.",
	ErrorInvalidRequest: "Invalid Request",
	ErrorNoProvider:     "Provider is not available",
	ErrorBadAddress:     "Bad Address",
	ErrorServer:         "Server Error",
}

// Error is the Error element, and an error: the client returns it, and a
// server's Lookup may.
type Error struct {
	Time      string    `xml:"Time,attr"` // time of day, hh:mm:ss
	ID        string    `xml:"Id,attr"`
	ErrorCode ErrorCode `xml:"ErrorCode"`
	Message   string    `xml:"Message"`
	DebugData string    `xml:"DebugData"`
}

func (e *Error) Error() string {
	message := e.Message
	if message == "" {
		message = errorMessages[e.ErrorCode]
	}
	return "autodiscover: error " + strconv.Itoa(int(e.ErrorCode)) + ": " + message
}

// Is matches another *Error with the same code.
func (e *Error) Is(target error) bool {
	t, ok := target.(*Error)
	return ok && t.ErrorCode == e.ErrorCode
}

// EncodeRequest writes a request document.
func EncodeRequest(r *Request) ([]byte, error) {
	return encodeXML(&requestDocument{Xmlns: nsRequest, Request: *r})
}

// DecodeRequest reads a request in the outlook request schema.
func DecodeRequest(r io.Reader) (*Request, error) {
	var doc requestDocument
	if err := decodeXML(formatPOX, r, &doc); err != nil {
		return nil, err
	}
	if doc.XMLName.Space != nsRequest {
		return nil, &DocumentError{formatPOX, 0, fmt.Errorf("a request in the namespace %q", doc.XMLName.Space)}
	}
	trim(&doc.Request.EMailAddress, &doc.Request.LegacyDN, &doc.Request.AcceptableResponseSchema)
	return &doc.Request, nil
}

// EncodeResponse writes a response document.
func EncodeResponse(r *Response) ([]byte, error) {
	doc := &responseDocument{Xmlns: nsEnvelope, Response: innerResponse{Response: *r}}
	if r.Error == nil {
		doc.Response.Xmlns = ResponseSchema
	}
	return encodeXML(doc)
}

// DecodeResponse reads a response in the outlook response schema, or one that
// holds an Error.
func DecodeResponse(r io.Reader) (*Response, error) {
	var doc responseDocument
	if err := decodeXML(formatPOX, r, &doc); err != nil {
		return nil, err
	}
	in := &doc.Response
	if doc.XMLName.Local != "Autodiscover" || in.Error == nil && in.XMLName.Space != ResponseSchema {
		return nil, &DocumentError{formatPOX, 0, fmt.Errorf("a response in the namespace %q", in.XMLName.Space)}
	}
	return &in.Response, nil
}

func trim(fields ...*string) {
	for _, f := range fields {
		*f = strings.TrimSpace(*f)
	}
}
