package auth

import (
	"fmt"
	"strings"
)

// Kind says what sort of failure an [Error] is. The shell maps it to an error
// id, a category and an exit status; [Kind.Record] has the first two as
// recorded.
type Kind int

// The kinds of failure.
const (
	KindArgument       Kind = iota + 1 // a parameter is missing or malformed; nothing was sent
	KindBuiltin                        // a built-in environment would be changed
	KindNoEnvironment                  // -Environment names none
	KindNotFound                       // Remove-MgEnvironment names none
	KindSignIn                         // no token could be had: refused, unreachable, bad certificate, expired token
	KindTimeout                        // nobody finished an interactive sign-in in time
	KindCanceled                       // the context was canceled (Ctrl-C)
	KindNotConnected                   // no session, and the surroundings offer no sign-in
	KindNoSession                      // Disconnect-MgGraph without a session
	KindStore                          // the context file can't be read or written
	KindUnreadableFile                 // a secret's place can't be read
)

// Record is how PowerShell shows a failure: the first part of the
// FullyQualifiedErrorId ("" means the class name stands alone), the category,
// and whether it ends the statement.
type Record struct {
	ID          string
	Category    string
	Terminating bool
}

// Record returns how the real cmdlets show a failure of this kind. The id
// "{GUID}" stands for the random one of connect.no-tenant and its like.
func (k Kind) Record() Record {
	switch k {
	case KindArgument:
		return Record{"{GUID}", "InvalidArgument", true}
	case KindBuiltin:
		return Record{"System.InvalidOperationException", "NotSpecified", true}
	case KindNotFound:
		return Record{"System.ArgumentException", "NotSpecified", true}
	case KindNoEnvironment:
		return Record{"InvalidOperation", "InvalidOperation", true}
	case KindNoSession:
		return Record{"", "CloseError", false}
	case KindUnreadableFile:
		return Record{"MgUploadUnreadableFile", "InvalidArgument", true}
	}
	return Record{"", "NotSpecified", false}
}

// Error is the error of every exported function of this package.
type Error struct {
	Kind    Kind
	Message string // the recorded text where there is one; one line, no secret
	Advice  string // what to do next; may be empty
	Codes   []int  // AADSTS numbers the service gave, if any
	Err     error  // the cause, if it is safe to look at; may be nil
}

// Error returns the message and, when there is any, the advice.
func (e *Error) Error() string {
	if e.Advice == "" {
		return e.Message
	}
	return strings.TrimRight(e.Message, ".") + ". " + e.Advice
}

// Unwrap returns the cause, which may be nil.
func (e *Error) Unwrap() error { return e.Err }

func fail(k Kind, advice, format string, args ...any) *Error {
	return &Error{Kind: k, Advice: advice, Message: fmt.Sprintf(format, args...)}
}
