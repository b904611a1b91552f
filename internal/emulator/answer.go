package emulator

import (
	"encoding/json"
	"fmt"
	"net/http"
	"time"
)

// call is one request on its way.
type call struct {
	w        http.ResponseWriter
	r        *http.Request
	now      time.Time
	id       string // request-id
	clientID string // client-request-id
	version  string // first segment of the path
	op       *operation
}

// refusal is an error answer. A nil *refusal is none.
type refusal struct {
	status        int
	code, message string
}

type errorBody struct {
	Error graphError `json:"error"`
}

type graphError struct {
	Code       string     `json:"code"`
	Message    string     `json:"message"`
	InnerError innerError `json:"innerError"`
}

type innerError struct {
	CorrelationID   string `json:"correlationId,omitempty"`
	Date            string `json:"date"`
	RequestID       string `json:"request-id"`
	ClientRequestID string `json:"client-request-id"`
}

// newCall sets the headers that every answer has.
func (e *Emulator) newCall(w http.ResponseWriter, r *http.Request) *call {
	c := &call{w: w, r: r, now: e.now().UTC(), id: e.newID(), clientID: r.Header.Get("client-request-id")}
	if c.clientID == "" {
		c.clientID = c.id
	}
	h := w.Header()
	h.Set("Cache-Control", "no-store, no-cache")
	h.Set("Strict-Transport-Security", "max-age=31536000")
	h.Set("Request-Id", c.id)
	h.Set("Client-Request-Id", c.clientID)
	h.Set("X-Ms-Ags-Diagnostic", `{"ServerInfo":{"DataCenter":"Emulator","Slice":"E","Ring":"0","ScaleUnit":"000","RoleInstance":"EMULATOR"}}`)
	h.Set("X-Ms-Resource-Unit", "1")
	h.Set("Date", c.now.Format(http.TimeFormat))
	return c
}

// answer sends v as JSON, or 204 if it is nil.
func (c *call) answer(v any) {
	if v == nil {
		c.w.WriteHeader(http.StatusNoContent)
		return
	}
	c.send(http.StatusOK, v)
}

func (c *call) refuse(no *refusal) {
	inner := innerError{
		Date:            c.now.Format("2006-01-02T15:04:05"),
		RequestID:       c.id,
		ClientRequestID: c.clientID,
	}
	if c.op != nil && c.op.backend.b2c {
		inner.CorrelationID = c.id
	}
	c.send(no.status, errorBody{graphError{no.code, no.message, inner}})
}

func (c *call) send(status int, v any) {
	body, err := json.Marshal(v)
	if err != nil {
		panic(err) // the answers are our own structs
	}
	c.w.Header().Set("Content-Type", "application/json; odata.metadata=minimal;odata.streaming=true;IEEE754Compatible=false;charset=utf-8")
	c.w.WriteHeader(status)
	_, _ = c.w.Write(body) // a client that left needs no answer
}

// bad is a 400 with the backend's general code.
func (c *call) bad(format string, a ...any) *refusal {
	return &refusal{http.StatusBadRequest, c.op.backend.badRequest, fmt.Sprintf(format, a...)}
}

// invalid is a 400 about one parameter. It never repeats the value, which may be a secret.
func (c *call) invalid(name, want string) *refusal {
	return c.bad("Invalid value specified for the parameter '%s': %s.", name, want)
}

func (c *call) notFound(id string) *refusal {
	message := fmt.Sprintf("Resource '%s' does not exist or one of its queried reference-property objects are not present.", id)
	if c.op.backend.b2c {
		message = fmt.Sprintf("KeyContainer with 'id': '%s' cannot be found in the directory 'emulator'.", id)
	}
	return &refusal{http.StatusNotFound, c.op.backend.notFound, message}
}

// tooLarge is a guess: Graph documents the status, not the code.
func tooLarge() *refusal {
	return &refusal{
		status:  http.StatusRequestEntityTooLarge,
		code:    "RequestEntityTooLarge",
		message: fmt.Sprintf("The request is too large. The emulator takes bodies of up to %d bytes.", bodyLimit),
	}
}

// context is the @odata.context of an answer.
func (c *call) context(of string) string {
	return "https://graph.microsoft.com/" + c.version + "/$metadata#" + of
}

func timestamp(t time.Time) string {
	return t.UTC().Format("2006-01-02T15:04:05Z")
}
