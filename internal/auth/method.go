package auth

import (
	"context"
	"slices"
	"strings"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azidentity"
)

// The names of the sign-in methods, the words of --auth.
const (
	MethodAccessToken      = "access-token"
	MethodGitHub           = "github"
	MethodAzurePipelines   = "azure-pipelines"
	MethodWorkloadIdentity = "workload-identity"
	MethodCertificate      = "certificate"
	MethodClientSecret     = "client-secret"
	MethodEnvironment      = "environment"
	MethodManagedIdentity  = "managed-identity"
	MethodAzureCLI         = "azure-cli"
	MethodBrowser          = "browser"
	MethodDeviceCode       = "device-code"
)

// Settings is what the sign-in methods need; each reads its part. No field is
// a secret.
type Settings struct {
	TenantID  string   `json:"tenantId,omitempty"`
	ClientID  string   `json:"clientId,omitempty"`
	Scopes    []string `json:"scopes,omitempty"` // delegated methods only
	LoginHint string   `json:"loginHint,omitempty"`

	AccessTokenFrom         Ref    `json:"accessTokenFrom,omitempty"`
	ClientSecretFrom        Ref    `json:"clientSecretFrom,omitempty"`
	CertificateFrom         Ref    `json:"certificateFrom,omitempty"`
	CertificatePasswordFrom Ref    `json:"certificatePasswordFrom,omitempty"`
	CertificateThumbprint   string `json:"certificateThumbprint,omitempty"`
	CertificateSubjectName  string `json:"certificateSubjectName,omitempty"`
	SendCertificateChain    bool   `json:"sendCertificateChain,omitempty"`
}

// Method is one row of the table of sign-in methods, as others may see it.
type Method struct {
	Name       string // the word of --auth
	Needs      string // what it needs, for help
	AuthType   string // AuthType of the context
	Credential string // TokenCredentialType of the context
	Asks       bool   // a person takes part
}

// request is one sign-in under way.
type request struct {
	Settings
	env    Environment
	record *azidentity.AuthenticationRecord // who signed in before; nil: nobody
	keep   bool                             // tokens go to the system's safe store
	seen   *seen
}

type method struct {
	Method
	label string // how azidentity's .NET twin names it in messages
	// plain methods take no CAE claims.
	plain bool
	// offered says why the surroundings do or don't offer it. nil: never
	// chosen unasked.
	offered func(ctx context.Context, a *Auth, s Settings) (bool, string)
	open    func(ctx context.Context, a *Auth, r *request) (azcore.TokenCredential, error)
}

// methods is the table, in the order of automatic choice: what was set up for
// this job first, what happens to be on the machine last.
func methods() []method {
	return []method{
		{
			Method: Method{Name: MethodAccessToken, AuthType: "UserProvidedAccessToken", Credential: "UserProvidedAccessToken",
				Needs: "a token from a variable, file or descriptor"},
			label: "AccessToken", plain: true,
			offered: offeredAccessToken, open: openAccessToken,
		},
		{
			Method: Method{Name: MethodGitHub, AuthType: "AppOnly", Credential: "GitHubActions",
				Needs: "a GitHub Actions job with id-token: write, AZURE_CLIENT_ID, AZURE_TENANT_ID"},
			label:   "GitHubActionsCredential",
			offered: offeredGitHub, open: openGitHub,
		},
		{
			Method: Method{Name: MethodAzurePipelines, AuthType: "AppOnly", Credential: "AzurePipelines",
				Needs: "an Azure Pipelines task with a service connection, SYSTEM_ACCESSTOKEN"},
			label:   "AzurePipelinesCredential",
			offered: offeredPipelines, open: openPipelines,
		},
		{
			Method: Method{Name: MethodWorkloadIdentity, AuthType: "AppOnly", Credential: "WorkloadIdentity",
				Needs: "AZURE_FEDERATED_TOKEN_FILE, AZURE_CLIENT_ID, AZURE_TENANT_ID"},
			label:   "WorkloadIdentityCredential",
			offered: offeredWorkload, open: openWorkload,
		},
		{
			Method: Method{Name: MethodEnvironment, AuthType: "EnvironmentVariable", Credential: "EnvironmentVariable",
				Needs: "AZURE_TENANT_ID, AZURE_CLIENT_ID and AZURE_CLIENT_SECRET or AZURE_CLIENT_CERTIFICATE_PATH"},
			label:   "EnvironmentCredential",
			offered: offeredEnvironment, open: openEnvironment,
		},
		{
			Method: Method{Name: MethodManagedIdentity, AuthType: "ManagedIdentity", Credential: "ManagedIdentity",
				Needs: "an Azure machine or service with an identity"},
			label:   "ManagedIdentityCredential",
			offered: offeredManagedIdentity, open: openManagedIdentity,
		},
		{
			Method: Method{Name: MethodAzureCLI, AuthType: "AppOnly", Credential: "AzureCLI",
				Needs: "az, signed in"},
			label: "AzureCliCredential", plain: true,
			offered: offeredAzureCLI, open: openAzureCLI,
		},
		{
			Method: Method{Name: MethodCertificate, AuthType: "AppOnly", Credential: "ClientCertificate",
				Needs: "an app's certificate with its RSA key: PFX or PEM"},
			label: "ClientCertificateCredential",
			open:  openCertificate,
		},
		{
			Method: Method{Name: MethodClientSecret, AuthType: "AppOnly", Credential: "ClientSecret",
				Needs: "an app's secret"},
			label: "ClientSecretCredential",
			open:  openClientSecret,
		},
		{
			Method: Method{Name: MethodBrowser, AuthType: "Delegated", Credential: "InteractiveBrowser", Asks: true,
				Needs: "a person and a browser on this machine"},
			label: "InteractiveBrowserCredential",
			open:  openBrowser,
		},
		{
			Method: Method{Name: MethodDeviceCode, AuthType: "Delegated", Credential: "DeviceCode", Asks: true,
				Needs: "a person and a browser anywhere"},
			label: "DeviceCodeCredential",
			open:  openDeviceCode,
		},
	}
}

// Methods returns the table of sign-in methods, in the order of automatic
// choice.
func Methods() []Method {
	var list []Method
	for _, m := range methods() {
		list = append(list, m.Method)
	}
	return list
}

func methodNamed(name string) (method, error) {
	all := methods()
	i := slices.IndexFunc(all, func(m method) bool { return strings.EqualFold(m.Name, name) })
	if i >= 0 {
		return all[i], nil
	}
	var names []string
	for _, m := range all {
		names = append(names, m.Name)
	}
	return method{}, fail(KindArgument, "Use one of "+strings.Join(names, ", ")+".", "there is no sign-in method '%s'", name)
}

// scopes returns what to ask the service for.
func (m method) scopes(r *request) []string {
	if m.AuthType == "Delegated" {
		return DelegatedScopes(r.Scopes)
	}
	return []string{r.env.GraphEndpoint + "/.default"}
}

// DelegatedScopes returns the scopes of a delegated sign-in: each word split
// at commas and blanks dropped (device.scopes-array), User.Read if none is
// left. The OpenID ones are asked for anyway, and naming them would make the
// library take the answer for a partial refusal.
func DelegatedScopes(words []string) []string {
	var scopes []string
	for _, word := range words {
		for _, s := range strings.Split(word, ",") {
			switch s = strings.TrimSpace(s); strings.ToLower(s) {
			case "", "openid", "profile", "offline_access", "email":
			default:
				scopes = append(scopes, s)
			}
		}
	}
	if len(scopes) == 0 {
		return []string{"User.Read"}
	}
	return scopes
}
