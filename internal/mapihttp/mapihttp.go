// Package mapihttp is the transport of [MS-OXCMAPIHTTP]: one HTTP POST per
// call, session contexts held together by cookies, and the answer framed by
// the meta-tags PROCESSING, PENDING and DONE. Request and response bodies are
// opaque bytes here; the packages that know them stand above.
//
// A failure shows at one of three levels: the HTTP status ([HTTPError]), the
// X-ResponseCode header ([ResponseCodeError]) and the StatusCode and ErrorCode
// fields that begin every response body. The first two are this package's, the
// third is the caller's.
package mapihttp

import (
	"strconv"
	"strings"
)

// Request types, in the documents' spelling of the X-RequestType header
// ([MS-OXCMAPIHTTP] 2.2.3.3.1).
const (
	Connect          = "Connect"
	Execute          = "Execute"
	Disconnect       = "Disconnect"
	NotificationWait = "NotificationWait"
	PING             = "PING"

	Bind              = "Bind"
	Unbind            = "Unbind"
	CompareMIds       = "CompareMIds"
	DNToMId           = "DNToMId"
	GetMatches        = "GetMatches"
	GetPropList       = "GetPropList"
	GetProps          = "GetProps"
	GetSpecialTable   = "GetSpecialTable"
	GetTemplateInfo   = "GetTemplateInfo"
	ModLinkAtt        = "ModLinkAtt"
	ModProps          = "ModProps"
	QueryRows         = "QueryRows"
	QueryColumns      = "QueryColumns"
	ResolveNames      = "ResolveNames"
	ResortRestriction = "ResortRestriction"
	SeekEntries       = "SeekEntries"
	UpdateStat        = "UpdateStat"
	GetMailboxUrl     = "GetMailboxUrl"
	GetAddressBookUrl = "GetAddressBookUrl"
)

// QueryColumn is the only spelling of QueryColumns that gromox knows.
const QueryColumn = "QueryColumn"

// Service says which of the two endpoints of a server is meant.
type Service int

const (
	Mailbox     Service = iota // EMSMDB, /mapi/emsmdb/
	AddressBook                // NSPI, /mapi/nspi/
)

type requestType struct {
	name        string
	mailbox     bool
	addressBook bool
}

// requestTypes is keyed by lower-case name. Besides the documents' spellings it
// holds those seen in other servers, clients and in section titles.
var requestTypes = func() map[string]requestType {
	m := make(map[string]requestType)
	for _, n := range []string{Connect, Execute, Disconnect, NotificationWait} {
		m[strings.ToLower(n)] = requestType{name: n, mailbox: true}
	}
	for _, n := range []string{
		Bind, Unbind, CompareMIds, DNToMId, GetMatches, GetPropList, GetProps, GetSpecialTable,
		GetTemplateInfo, ModLinkAtt, ModProps, QueryRows, QueryColumns, ResolveNames,
		ResortRestriction, SeekEntries, UpdateStat, GetMailboxUrl, GetAddressBookUrl,
	} {
		m[strings.ToLower(n)] = requestType{name: n, addressBook: true}
	}
	m["ping"] = requestType{name: PING, mailbox: true, addressBook: true}
	m["compareminids"] = m["comparemids"]
	m["dntominid"] = m["dntomid"]
	m["querycolumn"] = m["querycolumns"]
	return m
}()

// Canonical returns the documents' spelling of a request type of the service,
// whatever its case, and false when the service has no such request type. The
// variants CompareMinIds, DNToMinId and QueryColumn are understood.
func (s Service) Canonical(name string) (string, bool) {
	t, ok := requestTypes[strings.ToLower(name)]
	if !ok || s == Mailbox && !t.mailbox || s == AddressBook && !t.addressBook {
		return "", false
	}
	return t.name, true
}

// creates and destroys tell which request types begin and end a session context.
func creates(t string) bool  { return t == Connect || t == Bind }
func destroys(t string) bool { return t == Disconnect || t == Unbind }

// sequenced tells whether at most one request of this type may be outstanding
// in a session context. NotificationWait and PING run beside the others and
// leave the sequence alone.
func sequenced(t string) bool { return t != NotificationWait && t != PING }

// Header names, spelled as in the documents; net/http writes X-Requesttype.
const (
	headerRequestType       = "X-RequestType"
	headerRequestID         = "X-RequestId"
	headerClientInfo        = "X-ClientInfo"
	headerClientApplication = "X-ClientApplication"
	headerServerApplication = "X-ServerApplication"
	headerResponseCode      = "X-ResponseCode"
	headerExpirationInfo    = "X-ExpirationInfo"
	headerPendingPeriod     = "X-PendingPeriod"
	headerElapsedTime       = "X-ElapsedTime"
	headerStartTime         = "X-StartTime"
	headerContentType       = "Content-Type"
)

// ContentType of every request, and of every answer with X-ResponseCode 0.
const ContentType = "application/mapi-http"

// Cookie names as Exchange has them; to a client they mean nothing
// ([MS-OXCMAPIHTTP] 3.2.5.1: implementation-specific).
const (
	cookieContext  = "MapiContext"
	cookieSequence = "MapiSequence"
)

// ResponseCode is the value of X-ResponseCode ([MS-OXCMAPIHTTP] 2.2.3.3.3).
type ResponseCode uint32

const (
	Success              ResponseCode = 0
	UnknownFailure       ResponseCode = 1
	InvalidVerb          ResponseCode = 2
	InvalidPath          ResponseCode = 3
	InvalidHeader        ResponseCode = 4
	InvalidRequestType   ResponseCode = 5
	InvalidContextCookie ResponseCode = 6
	MissingHeader        ResponseCode = 7
	AnonymousNotAllowed  ResponseCode = 8
	TooLarge             ResponseCode = 9
	ContextNotFound      ResponseCode = 10
	NoPrivilege          ResponseCode = 11
	InvalidRequestBody   ResponseCode = 12
	MissingCookie        ResponseCode = 13
	InvalidSequence      ResponseCode = 15
	EndpointDisabled     ResponseCode = 16
	InvalidResponse      ResponseCode = 17
	EndpointShuttingDown ResponseCode = 18
)

var responseCodeNames = [...]string{
	Success: "Success", UnknownFailure: "Unknown Failure", InvalidVerb: "Invalid Verb",
	InvalidPath: "Invalid Path", InvalidHeader: "Invalid Header",
	InvalidRequestType: "Invalid Request Type", InvalidContextCookie: "Invalid Context Cookie",
	MissingHeader: "Missing Header", AnonymousNotAllowed: "Anonymous Not Allowed",
	TooLarge: "Too Large", ContextNotFound: "Context Not Found", NoPrivilege: "No Privilege",
	InvalidRequestBody: "Invalid Request Body", MissingCookie: "Missing Cookie", 14: "Reserved",
	InvalidSequence: "Invalid Sequence", EndpointDisabled: "Endpoint Disabled",
	InvalidResponse: "Invalid Response", EndpointShuttingDown: "Endpoint Shutting Down",
}

// String is the documents' name of the code.
func (c ResponseCode) String() string {
	if int(c) < len(responseCodeNames) {
		return responseCodeNames[c]
	}
	return "response code " + strconv.Itoa(int(c))
}
