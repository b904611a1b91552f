package auth

import (
	"fmt"
	"slices"
	"strings"

	"github.com/Azure/azure-sdk-for-go/sdk/azidentity"
)

// Context is what Get-MgContext shows. It never holds a secret: the real one
// shows a SecureString as ClientSecret, here there is nothing to show.
type Context struct {
	ClientID               string   `json:"clientId,omitempty"`
	TenantID               string   `json:"tenantId,omitempty"`
	Scopes                 []string `json:"scopes,omitempty"`
	AuthType               string   `json:"authType"`
	TokenCredentialType    string   `json:"tokenCredentialType"`
	CertificateThumbprint  string   `json:"certificateThumbprint,omitempty"`
	CertificateSubjectName string   `json:"certificateSubjectName,omitempty"`
	SendCertificateChain   bool     `json:"sendCertificateChain,omitempty"`
	Account                string   `json:"account,omitempty"`
	LoginHint              string   `json:"loginHint,omitempty"`
	HomeAccountID          string   `json:"homeAccountId,omitempty"`
	AppName                string   `json:"appName,omitempty"`
	ContextScope           string   `json:"contextScope"`
	ManagedIdentityID      string   `json:"managedIdentityId,omitempty"`
	Environment            string   `json:"environment"`
}

// Field is one line of Get-MgContext. Value is nil, a string, a bool or a
// []string.
type Field struct {
	Name  string
	Value any
}

// Fields returns the context as Get-MgContext lists it, in its order. Members
// that mean nothing here (Certificate, PSHostVersion, ClientSecret) are nil,
// and WamEnabled is false: there is no broker.
func (c Context) Fields() []Field {
	text := func(s string) any {
		if s == "" {
			return nil
		}
		return s
	}
	var scopes any
	if c.Scopes != nil {
		scopes = slices.Clone(c.Scopes)
	}
	return []Field{
		{"ClientId", text(c.ClientID)}, {"TenantId", text(c.TenantID)}, {"Scopes", scopes},
		{"AuthType", c.AuthType}, {"TokenCredentialType", c.TokenCredentialType},
		{"CertificateThumbprint", text(c.CertificateThumbprint)},
		{"CertificateSubjectName", text(c.CertificateSubjectName)},
		{"SendCertificateChain", c.SendCertificateChain},
		{"Account", text(c.Account)}, {"LoginHint", text(c.LoginHint)}, {"HomeAccountId", text(c.HomeAccountID)},
		{"AppName", text(c.AppName)}, {"ContextScope", c.ContextScope}, {"Certificate", nil}, {"PSHostVersion", nil},
		{"ManagedIdentityId", text(c.ManagedIdentityID)}, {"ClientSecret", nil},
		{"Environment", c.Environment}, {"WamEnabled", false},
	}
}

// Context returns the stored session's context; ok is false without one
// (context.none).
func (a *Auth) Context() (c Context, ok bool, err error) {
	f, err := a.load()
	if err != nil || f.Session == nil {
		return Context{}, false, err
	}
	return f.Session.Context, true, nil
}

// newContext fills in what the token says of itself; an opaque one says
// nothing (secret.opaque-token).
func newContext(s *Source, record *azidentity.AuthenticationRecord, c claims) Context {
	out := Context{
		ClientID: c.AppID, TenantID: c.Tenant, Scopes: c.scopes(), AppName: c.AppName, Account: c.UPN,
		AuthType: s.m.AuthType, TokenCredentialType: s.m.Credential,
		CertificateThumbprint: s.r.CertificateThumbprint, CertificateSubjectName: s.r.CertificateSubjectName,
		SendCertificateChain: s.m.Name == MethodCertificate && s.r.SendCertificateChain,
		LoginHint:            s.r.LoginHint, ContextScope: ScopeProcess, Environment: s.r.env.Name,
	}
	if out.ClientID == "" {
		out.ClientID = s.r.ClientID
	}
	if out.ClientID == "" {
		out.ClientID = DefaultClientID
	}
	if s.r.keep {
		out.ContextScope = ScopeCurrentUser
	}
	if s.m.Name == MethodManagedIdentity {
		if out.ManagedIdentityID = s.r.ClientID; out.ManagedIdentityID == "" {
			out.ManagedIdentityID = "MSI@50342" // identity.imds
		}
	}
	if record != nil {
		out.HomeAccountID = record.HomeAccountID
		if out.Account == "" {
			out.Account = record.Username
		}
	}
	return out
}

// Welcome returns what Connect-MgGraph prints without -NoWelcome, as recorded
// (token.jwt, secret.opaque-token).
func (c Context) Welcome() string {
	return fmt.Sprintf("Welcome to Microsoft Graph!\n\nConnected via %s access using %s\n", strings.ToLower(c.AuthType), c.ClientID) +
		"Readme: https://aka.ms/graph/sdk/powershell\n" +
		"SDK Docs: https://aka.ms/graph/sdk/powershell/docs\n" +
		"API Docs: https://aka.ms/graph/docs\n\n" +
		"NOTE: You can use the -NoWelcome parameter to suppress this message.\n" +
		"NOTE: Sign in by Web Account Manager (WAM) is enabled by default on Windows systems and cannot be disabled when using the default ClientId.\n" +
		"To disable WAM run Set-MgGraphOption -DisableLoginByWAM $true and then use a custom ClientId.\n"
}
