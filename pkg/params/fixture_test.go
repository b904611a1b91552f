package params_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"invoke-mgupload/pkg/params"
)

// send is a cmdlet with every kind of parameter, its sets those of the upload
// cmdlets with a body: by id or by identity, members or a whole body.
func send() *params.Cmdlet {
	members := []params.Member{
		{Name: "Url", JSON: "url"}, {Name: "Password", JSON: "password", Secret: true}, {Name: "Nbf", JSON: "nbf", Type: params.Int64},
	}
	expanded := []params.Membership{{Set: "Expanded"}, {Set: "ViaIdentityExpanded"}}
	return &params.Cmdlet{
		Name: "Send-Thing", DefaultSet: "Expanded", Sets: []string{"Expanded", "Whole", "ViaIdentityExpanded", "ViaIdentity"},
		Params: slices.Concat([]params.Param{
			{Name: "ThingId", In: []params.Membership{{Set: "Expanded", Mandatory: true}, {Set: "Whole", Mandatory: true}}},
			{Name: "InputObject", Type: params.Identity, TypeName: "Models.IIdentity", Members: []params.Member{{Name: "ThingId", JSON: "thing-id"}},
				In: []params.Membership{{Set: "ViaIdentityExpanded", Mandatory: true, Pipeline: true, Keys: []string{"ThingId"}}, {Set: "ViaIdentity", Mandatory: true, Pipeline: true, Keys: []string{"ThingId"}}}},
			{Name: "BodyParameter", Type: params.Body, TypeName: "Models.IBody", Members: members,
				In: []params.Membership{{Set: "Whole", Mandatory: true, Pipeline: true}, {Set: "ViaIdentity", Mandatory: true, Pipeline: true}}},
			{Name: "ResponseHeadersVariable", Aliases: []string{"RHV"}, Type: params.Variable},
			{Name: "AdditionalProperties", Type: params.Hashtable, In: expanded},
			{Name: "Url", In: expanded}, {Name: "Password", In: expanded}, {Name: "Nbf", Type: params.Int64, In: expanded},
			{Name: "Headers", Type: params.Dictionary, Pipeline: true},
			{Name: "PassThru", Type: params.Switch},
			{Name: "Proxy", Type: params.URI}, {Name: "ProxyCredential", Type: params.Credential}, {Name: "ProxyUseDefaultCredentials", Type: params.Switch},
			{Name: "HttpPipelineAppend", Type: params.Steps, TypeName: "Runtime.SendAsyncStep[]"},
		}, params.Common(), params.ShouldProcess()),
	}
}

// routes is a cmdlet with two routes, the second with one key more.
func routes() *params.Cmdlet {
	return &params.Cmdlet{
		Name: "Send-File", DefaultSet: "Upload", Sets: []string{"Upload", "Upload1", "ViaIdentity1", "ViaIdentity"},
		Params: slices.Concat([]params.Param{
			{Name: "RoleId", In: []params.Membership{{Set: "Upload", Mandatory: true}, {Set: "Upload1", Mandatory: true}}},
			{Name: "ResourceId", In: []params.Membership{{Set: "Upload1", Mandatory: true}}},
			{Name: "InputObject", Type: params.Identity,
				Members: []params.Member{{Name: "RoleId", JSON: "role-id"}, {Name: "ResourceId", JSON: "resource-id"}, {Name: "ScopeId", JSON: "scope-id"}},
				In:      []params.Membership{{Set: "ViaIdentity1", Mandatory: true, Pipeline: true, Keys: []string{"ResourceId", "RoleId"}}, {Set: "ViaIdentity", Mandatory: true, Pipeline: true, Keys: []string{"RoleId"}}}},
		}, params.Common(), params.ShouldProcess()),
	}
}

// connect is a compiled cmdlet: its failed conversions are worded by the binder, and it has positions.
func connect() *params.Cmdlet {
	one := func(set string) []params.Membership { return []params.Membership{{Set: set, Position: 1}} }
	return &params.Cmdlet{
		Name: "Connect-Thing", ID: "Things.Connect", Compiled: true, DefaultSet: "User", Sets: []string{"User", "App"},
		Params: slices.Concat([]params.Param{
			{Name: "Scopes", Type: params.StringArray, In: one("User")},
			{Name: "ClientId", In: []params.Membership{{Set: "User"}, {Set: "App", Mandatory: true, Position: 1}}},
			{Name: "Certificate", Type: params.Opaque, TypeName: "X509Certificate2", In: []params.Membership{{Set: "App"}}},
			{Name: "Secret", Type: params.Secure, In: []params.Membership{{Set: "App", Mandatory: true}}},
			{Name: "NoWelcome", Type: params.Switch}, {Name: "SendCertificateChain", Type: params.Bool}, {Name: "Timeout", Type: params.Double},
			{Name: "ContextScope", Type: params.Enum, Enum: []string{"Process", "CurrentUser"}, TypeName: "ContextScope"},
			{Name: "Retry", Type: params.Int32, Min: 1, Max: 10},
		}, params.Common()),
	}
}

var additions = []params.Addition{{Name: "show-request", Switch: true}, {Name: "endpoint"}, {Name: "access-token-from"}, {Name: "url-from"}}

// bind binds words of the cmdlet without files, prompts or pipeline.
func bind(c *params.Cmdlet, words ...string) (*params.Bound, error) {
	return params.Parse(c, additions, words).Bind(context.Background(), params.Options{})
}

// show is what was bound as text: the set, then name=value in order; or the
// error's id behind an exclamation mark.
func show(b *params.Bound, err error) string {
	if err != nil {
		var e *params.Error
		if !errors.As(err, &e) {
			return fmt.Sprintf("!%T %v", err, err)
		}
		return "!" + e.ID
	}
	out := []string{b.Set}
	for _, v := range b.Values() {
		out = append(out, v.Param.Name+"="+render(v.Value))
	}
	return strings.Join(out, " ")
}

// render writes a value: texts and numbers bare, objects as {name=value,…}.
func render(v any) string {
	switch v := v.(type) {
	case *params.Object:
		var members []string
		for _, e := range v.Members {
			members = append(members, e.Name+"="+render(e.Value))
		}
		if v.Literal {
			return "@{" + strings.Join(members, ",") + "}"
		}
		return "{" + strings.Join(members, ",") + "}"
	case []any:
		var items []string
		for _, e := range v {
			items = append(items, render(e))
		}
		return "[" + strings.Join(items, ",") + "]"
	case params.Number:
		return "#" + string(v)
	}
	return fmt.Sprint(v)
}

// message is an error's text, with its kind checked.
func message(t testing.TB, err error) string {
	t.Helper()
	var e *params.Error
	if !errors.As(err, &e) {
		t.Fatalf("%#v is no *params.Error", err)
	}
	return e.Message
}
