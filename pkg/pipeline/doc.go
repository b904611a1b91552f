// Package pipeline sends an HTTP request through a chain of steps.
//
// A [Step] sees the request on its way out and the answer on its way back:
//
//	func(req *http.Request, next Sender) (*http.Response, error)
//
// The contract of a step, which package pipelinetest checks:
//
//   - it returns exactly one of response and error;
//   - it does not modify req; to change something it clones first;
//   - it calls next as often as it needs, also not at all; a second call needs a fresh body from
//     req.GetBody, and without one there is no second call;
//   - it closes the body of a response it does not return, and closes req.Body when it does not
//     call next;
//   - it leaves the body of the response it returns readable;
//   - it ends soon after req.Context() does;
//   - it is safe for concurrent use.
//
// An order that works, outermost first: Timeout, Defaults, Retry, Redirect, Auth, RequestID, Dump,
// Gzip, then Wire over Transport. Timeout stands outside Retry because it covers the waits; Auth
// inside Redirect because every send is judged by its own target; RequestID inside Auth because
// every send has an id of its own; Gzip inside Dump because a dump shows text. Accept-Encoding
// belongs to the Defaults then, so that dumps show it too.
package pipeline
