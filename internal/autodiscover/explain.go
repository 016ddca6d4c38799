package autodiscover

import (
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
)

// Explanation tells how a mailbox was looked up and what was found, for people (WriteTo) and as JSON.
type Explanation struct {
	Mailbox  string    `json:"mailbox"`
	Found    *Found    `json:"found,omitempty"` // nil: nothing
	Error    string    `json:"error,omitempty"`
	Steps    []Attempt `json:"steps"`
	NotTried []Step    `json:"notTried,omitempty"` // that weren't necessary
}

// Found is what a Result has for somebody who connects.
type Found struct {
	URL           string `json:"url"`
	Format        string `json:"format"`
	Step          Step   `json:"step"`
	DisplayName   string `json:"displayName,omitempty"`
	SMTP          string `json:"smtp,omitempty"`
	LegacyDN      string `json:"legacyDN,omitempty"`
	DeploymentID  string `json:"deploymentID,omitempty"`
	Server        string `json:"server,omitempty"` // personalised
	ServerVersion string `json:"serverVersion,omitempty"`
	PublicFolders string `json:"publicFolders,omitempty"`

	MapiHTTP *MapiHTTPEndpoints `json:"mapiHttp,omitempty"`
	EXCH     *RPCSection        `json:"exch,omitempty"`
	EXPR     *RPCSection        `json:"expr,omitempty"`
	EXHTTP   []RPCSection       `json:"exhttp,omitempty"`

	AlternativeMailboxes []AlternativeMailboxFound `json:"alternativeMailboxes,omitempty"`
}

// MapiHTTPEndpoints are the URLs of MAPI/HTTP.
type MapiHTTPEndpoints struct {
	MailboxInternal     string `json:"mailboxInternal,omitempty"`
	MailboxExternal     string `json:"mailboxExternal,omitempty"`
	AddressBookInternal string `json:"addressBookInternal,omitempty"`
	AddressBookExternal string `json:"addressBookExternal,omitempty"`
}

// RPCSection is EXCH, EXPR or EXHTTP.
type RPCSection struct {
	Server        string `json:"server"` // EXCH: personalised name; others: the proxy's host
	ServerDN      string `json:"serverDN,omitempty"`
	MdbDN         string `json:"mdbDN,omitempty"`
	SSL           string `json:"ssl,omitempty"`
	AuthPackage   string `json:"authPackage,omitempty"`
	PrincipalName string `json:"principalName,omitempty"` // as a profile holds it
	EwsURL        string `json:"ewsUrl,omitempty"`
	OABURL        string `json:"oabUrl,omitempty"`
}

// AlternativeMailboxFound is an AlternativeMailbox.
type AlternativeMailboxFound struct {
	Type        string `json:"type"`
	DisplayName string `json:"displayName,omitempty"`
	SMTP        string `json:"smtp,omitempty"`
	LegacyDN    string `json:"legacyDN,omitempty"`
	Server      string `json:"server,omitempty"`
}

// Explain tells about what Discover returned.
func Explain(mailbox string, r *Result, err error) *Explanation {
	e := &Explanation{Mailbox: mailbox, Steps: []Attempt{}}
	var failure *DiscoverError
	switch {
	case r != nil:
		e.Found, e.Steps, e.NotTried = r.found(), r.Attempts, slices.Clone(r.NotTried)
	case errors.As(err, &failure):
		e.Steps, e.Error = append(e.Steps, failure.Attempts...), err.Error()
	case err != nil:
		e.Error = err.Error()
	}
	e.Error = strings.TrimPrefix(e.Error, "autodiscover: ")
	return e
}

func (r *Result) found() *Found {
	f := &Found{URL: r.URL, Format: r.Format, Step: r.Step, DisplayName: r.DisplayName, SMTP: r.SMTP, LegacyDN: r.LegacyDN,
		DeploymentID: r.DeploymentID, Server: r.Server, PublicFolders: r.PublicFolders}
	if v, ok := r.Version(); ok {
		f.ServerVersion = v.String()
	}
	m := MapiHTTPEndpoints{r.MailStore.InternalURL, r.MailStore.ExternalURL, r.AddressBook.InternalURL, r.AddressBook.ExternalURL}
	if m != (MapiHTTPEndpoints{}) {
		f.MapiHTTP = &m
	}
	section := func(p *Protocol) *RPCSection {
		if p == nil {
			return nil
		}
		s := &RPCSection{Server: p.Server, ServerDN: p.ServerDN, MdbDN: p.MdbDN, SSL: p.SSL, AuthPackage: p.AuthPackage, EwsURL: p.EwsURL, OABURL: p.OABURL}
		if p.Kind() != EXCH {
			s.PrincipalName = p.Principal()
		}
		return s
	}
	f.EXCH, f.EXPR = section(r.EXCH), section(r.EXPR)
	for i := range r.EXHTTP {
		f.EXHTTP = append(f.EXHTTP, *section(&r.EXHTTP[i]))
	}
	for _, a := range r.AlternativeMailboxes {
		f.AlternativeMailboxes = append(f.AlternativeMailboxes, AlternativeMailboxFound{a.Type, a.DisplayName, a.SmtpAddress, a.LegacyDN, a.Server})
	}
	return f
}

// stepNames are the steps for people.
var stepNames = map[Step]string{
	StepGiven:        "the endpoint that was given",
	StepSCP:          "service connection points of the directory",
	StepDomain:       "the domain itself",
	StepHost:         "the domain's host autodiscover",
	StepRedirect:     "a redirect by plain HTTP, without credentials",
	StepSRV:          "the domain's SRV record",
	StepMicrosoft365: "Microsoft 365",
}

func (s Step) describe() string {
	if name := stepNames[s]; name != "" {
		return name
	}
	return string(s)
}

// WriteTo writes the way: every step with what it answered and why it was or wasn't followed.
func (e *Explanation) WriteTo(w io.Writer) (int64, error) {
	var b strings.Builder
	fmt.Fprintf(&b, "Looking up %s\n", e.Mailbox)
	var at Step
	for i, a := range e.Steps {
		if i == 0 || a.Step != at {
			fmt.Fprintf(&b, "\n%s (%s)\n", strings.ToUpper(a.Step.describe()[:1])+a.Step.describe()[1:], a.Step)
			at = a.Step
		}
		line := strings.TrimSpace(a.Method + " " + a.URL)
		if a.Via != "" {
			line += " (by " + a.Via + ")"
		}
		if a.Credentials {
			line += " with credentials"
		}
		if line != "" {
			fmt.Fprintf(&b, "  %s\n", line)
		}
		if answered := a.answered(); answered != "" {
			fmt.Fprintf(&b, "    %s\n", answered)
		}
		fmt.Fprintf(&b, "    = %s\n", a.Reason)
	}
	for i, s := range e.NotTried {
		if i == 0 {
			b.WriteString("\nNot tried, as they aren't needed\n")
		}
		fmt.Fprintf(&b, "  %s (%s)\n", s.describe(), s)
	}
	if e.Error != "" {
		fmt.Fprintf(&b, "\nNothing found: %s\n", e.Error)
	}
	n, err := io.WriteString(w, b.String())
	return int64(n), err
}

// WriteTo writes what was found, a fact a line.
func (f *Found) WriteTo(w io.Writer) (int64, error) {
	var b strings.Builder
	fact := func(name, value string) {
		if value != "" {
			fmt.Fprintf(&b, "%-33s%s\n", name, value)
		}
	}
	fact("Name", f.DisplayName)
	fact("Address", f.SMTP)
	fact("LegacyDN", f.LegacyDN)
	fact("Server", f.Server)
	fact("Server version", f.ServerVersion)
	both := func(name, inside, outside string) {
		if inside == outside {
			fact(name, inside)
			return
		}
		fact(name+", inside", inside)
		fact(name+", outside", outside)
	}
	if m := f.MapiHTTP; m != nil {
		both("MAPI/HTTP mailbox", m.MailboxInternal, m.MailboxExternal)
		both("MAPI/HTTP address book", m.AddressBookInternal, m.AddressBookExternal)
	} else {
		fact("MAPI/HTTP", "not offered")
		if f.Format == formatSOAP {
			fact("", "(this answer is SOAP's, which has no such URLs)")
		}
	}
	rpc := func(name string, s *RPCSection) {
		fact(name, s.Server)
		fact(name+" AuthPackage", s.AuthPackage)
		fact(name+" SSL", s.SSL)
		fact(name+" principal name", s.PrincipalName)
		fact(name+" server DN", s.ServerDN)
	}
	if f.EXCH != nil {
		rpc("RPC (EXCH)", f.EXCH)
	}
	if f.EXPR != nil {
		rpc("RPC proxy (EXPR)", f.EXPR)
	}
	for i := range f.EXHTTP {
		rpc("RPC proxy (EXHTTP)", &f.EXHTTP[i])
	}
	fact("Public folders", f.PublicFolders)
	for _, a := range f.AlternativeMailboxes {
		fact("Also: "+a.Type, strings.TrimSpace(a.DisplayName+" "+a.SMTP+" "+a.Server))
	}
	fact("Found at", f.URL)
	n, err := io.WriteString(w, b.String())
	return int64(n), err
}
