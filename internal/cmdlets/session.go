package cmdlets

import (
	"iter"
	"slices"
	"strings"

	"invoke-mgupload/pkg/params"
)

// Session is a row of the second table: a cmdlet that signs in or out, or keeps
// what later commands need. It uploads nothing.
type Session struct {
	Name    string
	Aliases []string
	Does    string // its synopsis
	Class   string // the .NET class, without its namespace

	DefaultSet string
	Sets       []string
	// Params are its parameters without those that PowerShell adds; nil: none.
	// A function, so that a run pays only for the row it uses.
	Params func() []params.Param
	// ShouldProcess: it has -WhatIf and -Confirm.
	ShouldProcess bool
}

// The parameter sets of Connect-MgGraph, and the set of a cmdlet without any.
const (
	SetUser        = "UserParameterSet"
	SetCertificate = "AppCertificateParameterSet"
	SetIdentity    = "IdentityParameterSet"
	SetSecret      = "AppSecretCredentialParameterSet"
	SetToken       = "AccessTokenParameterSet"
	SetVariables   = "EnvironmentVariableParameterSet"

	onlySet = "__AllParameterSets"
)

// Sessions are the session cmdlets in the order of `list`.
func Sessions() iter.Seq[*Session] {
	return func(yield func(*Session) bool) {
		for i := range sessions {
			if !yield(&sessions[i]) {
				return
			}
		}
	}
}

// FindSession is the session cmdlet of a name or alias in any case, nil for an
// unknown one.
func FindSession(name string) *Session {
	for s := range Sessions() {
		if strings.EqualFold(name, s.Name) || slices.ContainsFunc(s.Aliases, func(a string) bool { return strings.EqualFold(name, a) }) {
			return s
		}
	}
	return nil
}

// Spec is the cmdlet as the binder sees it, its parameters in PowerShell's order.
func (s *Session) Spec() *params.Cmdlet {
	spec := &params.Cmdlet{
		Name: s.Name, ID: "Microsoft.Graph.PowerShell.Authentication.Cmdlets." + s.Class, Compiled: true,
		DefaultSet: s.DefaultSet, Sets: s.Sets,
	}
	if s.Params != nil {
		spec.Params = s.Params()
	}
	spec.Params = append(spec.Params, params.Common()...)
	if s.ShouldProcess {
		spec.Params = append(spec.Params, params.ShouldProcess()...)
	}
	return spec
}

var sessions = []Session{
	{
		Name: "Connect-MgGraph", Aliases: []string{"Connect-Graph"}, Class: "ConnectMgGraph",
		Does:       "Sign in to Microsoft Graph, and keep how for the commands that follow: the method and where its secret is, never the secret.",
		DefaultSet: SetUser,
		Sets:       []string{SetUser, SetCertificate, SetIdentity, SetSecret, SetToken, SetVariables},
		Params: func() []params.Param {
			return []params.Param{
				{Name: "Scopes", Type: params.StringArray, In: at(2, SetUser)},
				{Name: "ClientId", Aliases: []string{"AppId", "ApplicationId"},
					In: slices.Concat(must(2, SetCertificate), at(0, SetUser, SetIdentity))},
				{Name: "CertificateSubjectName", Aliases: []string{"CertificateSubject", "CertificateName"}, In: at(3, SetCertificate)},
				{Name: "CertificateThumbprint", In: at(4, SetCertificate)},
				{Name: "SendCertificateChain", Type: params.Bool, In: at(0, SetCertificate)},
				{Name: "Certificate", Type: params.File, TypeName: "System.Security.Cryptography.X509Certificates.X509Certificate2", In: at(0, SetCertificate)},
				{Name: "ClientSecretCredential", Aliases: []string{"SecretCredential", "Credential"}, Type: params.Credential, In: at(0, SetSecret)},
				{Name: "AccessToken", Type: params.Secure, In: must(2, SetToken)},
				{Name: "TenantId", Aliases: []string{"Audience", "Tenant"}, In: slices.Concat(at(0, SetCertificate, SetSecret), at(5, SetUser))},
				{Name: "ContextScope", Type: params.Enum, TypeName: "Microsoft.Graph.PowerShell.Authentication.ContextScope",
					Enum: []string{"Process", "CurrentUser"}, In: at(0, SetCertificate, SetSecret, SetUser, SetIdentity, SetVariables)},
				{Name: "Environment", Aliases: []string{"EnvironmentName", "NationalCloud"}, NotEmpty: true,
					In: at(0, SetCertificate, SetSecret, SetToken, SetUser, SetIdentity, SetVariables)},
				{Name: "UseDeviceCode", Aliases: []string{"UseDeviceAuthentication", "DeviceCode", "DeviceAuth", "Device"}, Type: params.Switch, In: at(0, SetUser)},
				{Name: "LoginHint", NotEmpty: true, In: at(0, SetUser)},
				{Name: "ClientTimeout", Type: params.Double, In: at(0, SetCertificate, SetSecret, SetToken, SetUser, SetIdentity, SetVariables)},
				{Name: "Identity", Aliases: []string{"ManagedIdentity", "ManagedServiceIdentity", "MSI"}, Type: params.Switch, In: at(2, SetIdentity)},
				{Name: "EnvironmentVariable", Type: params.Switch, In: at(0, SetVariables)},
				{Name: "NoWelcome", Type: params.Switch},
				{Name: "Break", Type: params.Switch, Hidden: true},
			}
		},
	},
	{
		Name: "Disconnect-MgGraph", Aliases: []string{"Disconnect-Graph"}, Class: "DisconnectMgGraph",
		Does: "End the session and forget its tokens.",
		Sets: []string{onlySet},
		Params: func() []params.Param {
			return []params.Param{{Name: "SignOutFromBroker", Type: params.Switch, In: at(0, onlySet)}}
		},
	},
	{
		Name: "Get-MgContext", Class: "GetMgContext",
		Does:       "Show the session: who is signed in, how, and with which permissions.",
		DefaultSet: SetUser, Sets: []string{SetUser},
	},
	{
		Name: "Get-MgEnvironment", Class: "GetMgEnvironment",
		Does: "List the clouds: the seven built-in ones and those that were added.",
		Sets: []string{onlySet},
		Params: func() []params.Param {
			return []params.Param{{Name: "Name", NotEmpty: true, In: at(1, onlySet)}}
		},
	},
	{
		Name: "Add-MgEnvironment", Class: "AddMgEnvironment",
		Does: "Add a cloud: where its sign-in service and its Graph are.",
		Sets: []string{onlySet}, ShouldProcess: true,
		Params: func() []params.Param {
			return []params.Param{
				{Name: "Name", NotEmpty: true, In: must(1, onlySet)},
				{Name: "AzureADEndpoint", Aliases: []string{"AzureADUrl"}, NotEmpty: true, In: must(2, onlySet)},
				{Name: "GraphEndpoint", Aliases: []string{"GraphUrl"}, NotEmpty: true, In: must(3, onlySet)},
			}
		},
	},
	{
		Name: "Set-MgEnvironment", Class: "SetMgEnvironment",
		Does: "Change a cloud that was added.",
		Sets: []string{onlySet}, ShouldProcess: true,
		Params: func() []params.Param {
			return []params.Param{
				{Name: "Name", NotEmpty: true, In: must(1, onlySet)},
				{Name: "AzureADEndpoint", Aliases: []string{"AzureADUrl"}, NotEmpty: true, In: at(2, onlySet)},
				{Name: "GraphEndpoint", Aliases: []string{"GraphUrl"}, NotEmpty: true, In: at(3, onlySet)},
			}
		},
	},
	{
		Name: "Remove-MgEnvironment", Class: "RemoveMgEnvironment",
		Does: "Remove a cloud that was added.",
		Sets: []string{onlySet}, ShouldProcess: true,
		Params: func() []params.Param {
			return []params.Param{{Name: "Name", In: must(1, onlySet)}}
		},
	},
	{
		Name: "Get-MgRequestContext", Class: "RequestContext.GetMgRequestContext",
		Does: "Show how long a call may take and how often it is repeated.",
		Sets: []string{onlySet}, ShouldProcess: true,
	},
	{
		Name: "Set-MgRequestContext", Class: "RequestContext.SetMgRequestContext",
		Does: "Keep for later commands how long a call may take and how often it is repeated; --client-timeout, --max-retry and their kin beat it.",
		Sets: []string{onlySet}, ShouldProcess: true,
		Params: func() []params.Param {
			return []params.Param{
				{Name: "RetryDelay", Type: params.Int32, Max: 180, In: at(0, onlySet)},
				{Name: "MaxRetry", Type: params.Int32, Max: 10, In: at(0, onlySet)},
				{Name: "RetriesTimeLimit", Type: params.Int32, In: at(0, onlySet)},
				{Name: "ClientTimeout", Type: params.Int32, In: at(0, onlySet)},
			}
		},
	},
}

// at places a parameter in sets, optional. PowerShell counts positions from 0;
// here 0 is none, so each is one more.
func at(position int, sets ...string) []params.Membership {
	var out []params.Membership
	for _, set := range sets {
		out = append(out, params.Membership{Set: set, Position: position})
	}
	return out
}

// must places a parameter in a set that needs it.
func must(position int, set string) []params.Membership {
	return []params.Membership{{Set: set, Mandatory: true, Position: position}}
}
