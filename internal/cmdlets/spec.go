package cmdlets

import (
	"cmp"
	"slices"

	"invoke-mgupload/pkg/params"
)

// Spec is the cmdlet as the binder sees it, its parameters in PowerShell's order.
func (c *Cmdlet) Spec() *params.Cmdlet {
	spec := &params.Cmdlet{Name: c.Name, DefaultSet: "Upload", Sets: []string{"Upload", "UploadViaIdentity"}}
	switch {
	case len(c.Body) > 0:
		spec.DefaultSet = "UploadExpanded"
		spec.Sets = []string{"UploadExpanded", "Upload", "UploadViaIdentityExpanded", "UploadViaIdentity"}
	case c.SecondIsDefault:
		spec.DefaultSet = "Upload1"
		fallthrough
	case len(c.Routes) > 1:
		spec.Sets = []string{"Upload", "Upload1", "UploadViaIdentity1", "UploadViaIdentity"}
	}
	spec.Params = slices.Concat(c.ids(), []params.Param{c.inputObject(spec.Sets)}, c.bodyParams(), c.shared(), params.Common(), params.ShouldProcess())
	return spec
}

// ids are the path's parameters: those of set Upload by name, then those that
// only Upload1 has.
func (c *Cmdlet) ids() []params.Param {
	sets := []string{"Upload", "Upload1"}
	if len(c.Body) > 0 {
		sets = []string{"UploadExpanded", "Upload"}
	}
	var out []params.Param
	for i, route := range c.Routes {
		added := len(out)
		for _, k := range keys(route) {
			at := slices.IndexFunc(out, func(p params.Param) bool { return p.Name == k.param })
			if at < 0 {
				at = len(out)
				out = append(out, params.Param{Name: k.param})
			}
			out[at].In = append(out[at].In, params.Membership{Set: sets[i], Mandatory: true})
			if len(c.Body) > 0 {
				out[at].In = append(out[at].In, params.Membership{Set: "Upload", Mandatory: true})
			}
		}
		slices.SortFunc(out[added:], func(a, b params.Param) int { return cmp.Compare(a.Name, b.Name) })
	}
	return out
}

func (c *Cmdlet) inputObject(sets []string) params.Param {
	p := params.Param{Name: "InputObject", Type: params.Identity, TypeName: c.namespace() + "Models." + c.Identity}
	for _, set := range sets[len(sets)/2:] {
		m := params.Membership{Set: set, Mandatory: true, Pipeline: true}
		for _, k := range keys(c.route(set)) {
			m.Keys = append(m.Keys, k.param)
			if !slices.ContainsFunc(p.Members, func(have params.Member) bool { return have.Name == k.param }) {
				p.Members = append(p.Members, params.Member{Name: k.param, JSON: k.json})
			}
		}
		p.In = append(p.In, m)
	}
	return p
}

// bodyParams are -BodyParameter, -ResponseHeadersVariable, -AdditionalProperties
// and one parameter for each member; without a body only the second.
func (c *Cmdlet) bodyParams() []params.Param {
	headers := params.Param{Name: "ResponseHeadersVariable", Aliases: []string{"RHV"}, Type: params.Variable}
	if len(c.Body) == 0 {
		return []params.Param{headers}
	}
	expanded := []params.Membership{{Set: "UploadExpanded"}, {Set: "UploadViaIdentityExpanded"}}
	out := []params.Param{
		{
			Name: "BodyParameter", Type: params.Body, TypeName: c.namespace() + "Models." + c.BodyType, Members: c.Body,
			In: []params.Membership{{Set: "Upload", Mandatory: true, Pipeline: true}, {Set: "UploadViaIdentity", Mandatory: true, Pipeline: true}},
		},
		headers,
		{Name: "AdditionalProperties", Type: params.Hashtable, In: expanded},
	}
	members := slices.SortedFunc(slices.Values(c.Body), func(a, b params.Member) int { return cmp.Compare(a.Name, b.Name) })
	for _, m := range members {
		out = append(out, params.Param{Name: m.Name, Type: m.Type, In: expanded})
	}
	return out
}

// shared are the parameters every cmdlet has.
func (c *Cmdlet) shared() []params.Param {
	steps := c.namespace() + "Runtime.SendAsyncStep[]"
	out := []params.Param{
		{Name: "Break", Type: params.Switch, Hidden: true},
		{Name: "Headers", Type: params.Dictionary, Pipeline: true},
		{Name: "HttpPipelineAppend", Type: params.Steps, TypeName: steps, NotNull: true, Hidden: true},
		{Name: "HttpPipelinePrepend", Type: params.Steps, TypeName: steps, NotNull: true, Hidden: true},
	}
	if c.Output == "" {
		out = append(out, params.Param{Name: "PassThru", Type: params.Switch})
	}
	return append(out,
		params.Param{Name: "Proxy", Type: params.URI, Hidden: true},
		params.Param{Name: "ProxyCredential", Type: params.Credential, NotNull: true, Hidden: true},
		params.Param{Name: "ProxyUseDefaultCredentials", Type: params.Switch, Hidden: true})
}
