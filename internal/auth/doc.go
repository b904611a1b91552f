// Package auth signs in to Microsoft Entra ID and hands out Graph access
// tokens: the session cmdlets' state (environments, context, request context),
// the table of sign-in methods, and a token source that refreshes itself.
//
// It is the only importer of azidentity. It parses no command line and reads
// no global state of the process by itself: variables, clock, streams and HTTP
// clients come in as an [Env]. (azidentity reads the variables of managed
// identity and of Azure Pipelines from the process on its own.)
//
// Secrets are never stored, only the place where each is to be found (a [Ref]),
// and no error, warning or stored file carries one.
package auth
