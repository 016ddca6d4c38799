package autodiscover

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// Outcome is what an attempt led to.
type Outcome string

// Outcomes.
const (
	OutcomeSettings   Outcome = "settings"   // the settings of the mailbox
	OutcomeRedirect   Outcome = "redirect"   // it pointed elsewhere
	OutcomeFound      Outcome = "found"      // names to ask
	OutcomeChallenged Outcome = "challenged" // credentials were wanted, and it was asked again with them
	OutcomeRefused    Outcome = "refused"    // it isn't to be trusted, and nothing was sent
	OutcomeSkipped    Outcome = "skipped"    // there was nothing to ask
	OutcomeFailed     Outcome = "failed"
)

// Attempt is one step on the way to a result.
type Attempt struct {
	Step        Step     `json:"step"`
	Via         string   `json:"via,omitempty"` // the kind of redirect that led here
	Format      string   `json:"format,omitempty"`
	Method      string   `json:"method,omitempty"`
	URL         string   `json:"url,omitempty"`
	Credentials bool     `json:"credentials,omitempty"` // Authorize added them, or the transport may have
	Status      int      `json:"status,omitempty"`      // HTTP status; 0: no response
	Outcome     Outcome  `json:"outcome"`
	Redirect    string   `json:"redirect,omitempty"` // the kind of redirect it was answered with
	Next        string   `json:"next,omitempty"`     // where a redirect points
	Found       []string `json:"found,omitempty"`    // records, URLs, or the schemes of a challenge
	// Reason is why it was or wasn't followed, for people.
	Reason string        `json:"reason,omitempty"`
	Took   time.Duration `json:"-"`
	Err    error         `json:"-"` // nil: it led on, or to the result
}

// MarshalJSON writes the time in milliseconds, and the error as its text.
func (a Attempt) MarshalJSON() ([]byte, error) {
	type plain Attempt
	return json.Marshal(struct {
		plain
		Error        string `json:"error,omitempty"`
		Milliseconds int64  `json:"milliseconds"`
	}{plain(a), a.errorText(), a.Took.Milliseconds()})
}

func (a Attempt) errorText() string {
	if a.Err == nil {
		return ""
	}
	return strings.TrimPrefix(a.Err.Error(), "autodiscover: ")
}

// String is the attempt in a line.
func (a Attempt) String() string {
	s := string(a.Step)
	if a.Via != "" {
		s += " (" + a.Via + ")"
	}
	if line := strings.TrimSpace(a.Method + " " + a.URL); line != "" {
		s += ": " + line
	}
	if a.Status != 0 {
		s += ": " + strconv.Itoa(a.Status)
	}
	if a.Next != "" {
		s += " -> " + a.Next
	}
	if a.Err != nil {
		s += ": " + a.errorText()
	}
	return s
}

// answered tells what the server or resolver said, or what was wrong.
func (a Attempt) answered() string {
	var said []string
	if a.Status != 0 {
		said = append(said, strings.TrimSpace(fmt.Sprintf("HTTP %d %s", a.Status, http.StatusText(a.Status))))
	}
	switch a.Outcome {
	case OutcomeSettings:
		said = append(said, "settings of the mailbox")
	case OutcomeRedirect:
		said = append(said, a.Redirect+" to "+a.Next)
	case OutcomeFound:
		if len(a.Found) == 0 {
			said = append(said, "nothing")
		}
	}
	var inURL *url.Error
	if text := a.errorText(); text != "" {
		if errors.As(a.Err, &inURL) {
			text = inURL.Err.Error() // without the URL, which stands above
		}
		if a.Status != 0 {
			text = strings.TrimPrefix(text, strings.TrimSpace(fmt.Sprintf("HTTP status %d %s", a.Status, http.StatusText(a.Status))))
		}
		if text != "" {
			said = append(said, text)
		}
	}
	return strings.Join(append(said, a.Found...), "; ")
}

// reason is why an attempt was or wasn't followed.
func (a Attempt) reason() string {
	switch a.Outcome {
	case OutcomeSettings:
		return "this is the answer"
	case OutcomeFound:
		return "asked in this order"
	case OutcomeChallenged:
		return "asked again with credentials"
	case OutcomeRefused, OutcomeSkipped:
		return "not asked"
	}
	return "nothing to follow"
}

// note records an attempt.
func (d *discovery) note(a Attempt) {
	if a.Reason == "" {
		a.Reason = a.reason()
	}
	d.attempts = append(d.attempts, a)
}

// failed records an attempt that led nowhere, and returns its error.
func (d *discovery) failed(a Attempt, err error) error {
	a.Err = err
	if a.Outcome == "" {
		a.Outcome = OutcomeFailed
	}
	if a.Outcome == OutcomeFailed && d.settled(err) {
		a.Reason = "nothing else is tried after this answer"
		if d.ctx.Err() != nil {
			a.Reason = "nothing else is tried: the time is over"
		}
	}
	d.note(a)
	return err
}
