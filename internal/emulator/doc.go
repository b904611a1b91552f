// Package emulator answers the upload family of Microsoft Graph from memory, so that a script can be
// tried, tested and measured without a tenant, a network or a sign-in.
//
// An [Emulator] is an [http.Handler]. It knows the routes it is given, the five backends behind them
// (PKI, API connectors, trust framework key sets, DEP onboarding, identity governance) and one object
// at every route, [SeededID]. It is strict: unknown members, wrong types, other content types and
// text after the JSON are refused as the service refuses them. Where the service's behaviour isn't
// documented, the code says "guess".
//
// # Tokens
//
// The only token that is accepted is Options.Token, and nothing that looks like a JWT ever is: a real
// token has no business here. No token, password, key or PFX is logged, kept or sent back.
//
// # The PKI job
//
// An upload answers 204 and starts a job. While it runs the object's status is "running" and another
// upload is refused; then it is "succeeded", or "failed" with statusDetails, and
// lastModifiedDateTime is the job's end. Without Options.Fetch every job succeeds. With it the file is
// fetched before the 204 and its hash, form, size and number of certificates decide.
//
// # Faults
//
// The request header Emulator-Fault makes one request go wrong, after the token was checked. Its
// parts are joined by semicolons:
//
//	503                  answer with this status, 400 to 599
//	429;retry-after=2    and with this Retry-After
//	503;times=2          only while the request's Retry-Attempt header is below 2
//	slow=2s              wait first, at most 10 minutes
//	reset                close the connection without an answer
//
// slow goes with all the others. reset needs a real server: it panics with [http.ErrAbortHandler],
// which net/http turns into a closed connection.
package emulator
