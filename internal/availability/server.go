package availability

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/opencdo/opencdo/internal/oxocal"
	"github.com/opencdo/opencdo/mapi"
)

// Handler answers GetUserAvailability. Requests must have been authenticated.
type Handler struct {
	// Lookup lists when the owner of an address isn't free. Nobody of that address is mapi.ErrNotFound.
	Lookup func(ctx context.Context, address string, from, to time.Time) ([]mapi.Busy, error)
}

// Limits of a request ([MS-OXWAVLS] 3.1.4.1).
const (
	maxMailboxes = 100
	maxTime      = 62 * 24 * time.Hour
)

// ServeHTTP implements http.Handler.
func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodPost {
		w.Header().Set("Allow", http.MethodPost)
		http.Error(w, "POST a SOAP request", http.StatusMethodNotAllowed)
		return
	}
	var q request
	if err := decode(r.Body, "GetUserAvailabilityRequest", &q); err != nil {
		refuse(w, "ErrorInvalidRequest", err.Error())
		return
	}
	from, to, err := q.window()
	switch {
	case err != nil:
		refuse(w, "ErrorInvalidRequest", err.Error())
		return
	case !from.Before(to):
		refuse(w, "ErrorInvalidTimeInterval", "the end is not after the start")
		return
	case to.Sub(from) > maxTime:
		refuse(w, "ErrorTimeIntervalTooBig", "ask for at most 62 days")
		return
	case len(q.Mailboxes) == 0 || len(q.Mailboxes) > maxMailboxes:
		refuse(w, "ErrorInvalidRequest", fmt.Sprintf("ask for 1 to %d mailboxes", maxMailboxes))
		return
	}
	var b strings.Builder
	b.WriteString(`<m:GetUserAvailabilityResponse><m:FreeBusyResponseArray>`)
	for _, address := range q.Mailboxes {
		busy, err := h.Lookup(r.Context(), strings.TrimSpace(address), from, to)
		if err != nil {
			code, text := "ErrorInternalServerError", "the calendar cannot be read"
			if errors.Is(err, mapi.ErrNotFound) || errors.Is(err, mapi.ErrUnknownUser) {
				code, text = "ErrorMailRecipientNotFound", "nobody has this address"
			}
			fmt.Fprintf(&b, `<m:FreeBusyResponse><m:ResponseMessage ResponseClass="Error"><m:MessageText>%s</m:MessageText><m:ResponseCode>%s</m:ResponseCode>`+
				`<m:DescriptiveLinkKey>0</m:DescriptiveLinkKey></m:ResponseMessage></m:FreeBusyResponse>`, escape(text), code)
			continue
		}
		q.answer(&b, busy)
	}
	b.WriteString(`</m:FreeBusyResponseArray></m:GetUserAvailabilityResponse>`)
	w.Header().Set("Content-Type", "text/xml; charset=utf-8")
	w.Write(envelope(b.String()))
}

// window is the time that is asked for.
func (q *request) window() (from, to time.Time, err error) {
	if from, err = readTime(strings.TrimSpace(q.Start)); err == nil {
		to, err = readTime(strings.TrimSpace(q.End))
	}
	zone := q.Zone.clock()
	return zone.UTC(oxocal.MinutesOf(from)), zone.UTC(oxocal.MinutesOf(to)), err
}

// answer writes what is known of one person.
func (q *request) answer(b *strings.Builder, busy []mapi.Busy) {
	zone := q.Zone.clock()
	local := func(t time.Time) string { return oxocal.Zone{}.UTC(zone.Clock(t)).Format(clockTime) }
	b.WriteString(`<m:FreeBusyResponse><m:ResponseMessage ResponseClass="Success"><m:ResponseCode>NoError</m:ResponseCode></m:ResponseMessage>` +
		`<m:FreeBusyView><t:FreeBusyViewType>FreeBusy</t:FreeBusyViewType>`)
	if len(busy) > 0 {
		b.WriteString(`<t:CalendarEventArray>`)
		for _, x := range busy {
			kind := "Busy"
			if int(x.Status) < len(busyTypes) && x.Status > 0 {
				kind = busyTypes[x.Status]
			}
			fmt.Fprintf(b, `<t:CalendarEvent><t:StartTime>%s</t:StartTime><t:EndTime>%s</t:EndTime><t:BusyType>%s</t:BusyType></t:CalendarEvent>`,
				local(x.Start), local(x.End), kind)
		}
		b.WriteString(`</t:CalendarEventArray>`)
	}
	b.WriteString(`</m:FreeBusyView></m:FreeBusyResponse>`)
}

// refuse answers with a fault.
func refuse(w http.ResponseWriter, code, text string) {
	w.Header().Set("Content-Type", "text/xml; charset=utf-8")
	w.WriteHeader(http.StatusInternalServerError)
	w.Write(envelope(`<soap:Fault><faultcode>soap:Client</faultcode><faultstring>` + escape(text) + `</faultstring><detail><e:ResponseCode ` +
		`xmlns:e="http://schemas.microsoft.com/exchange/services/2006/errors">` + code + `</e:ResponseCode></detail></soap:Fault>`))
}
