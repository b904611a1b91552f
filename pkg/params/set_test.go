package params_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"

	"invoke-mgupload/pkg/params"
)

func TestSets(t *testing.T) {
	runLines(t, send, []line{
		{"", "!MissingMandatoryParameter"},
		{"-Url|u", "!MissingMandatoryParameter"},
		{"-WhatIf", "!MissingMandatoryParameter"},
		{"-ThingId|a|-Url|u|-Password|p|-Nbf|5", "Expanded ThingId=a Url=u Password=p Nbf=5"},
		{"-ThingId|a|-BodyParameter|{}", "Whole ThingId=a BodyParameter={}"},
		{"-InputObject|{}", "ViaIdentityExpanded InputObject={}"},
		{"-InputObject|{}|-Url|u", "ViaIdentityExpanded InputObject={} Url=u"},
		{"-InputObject|{}|-BodyParameter|{}", "ViaIdentity InputObject={} BodyParameter={}"},
		{"-BodyParameter|{}", "!AmbiguousParameterSet"}, // sets.body-alone: both sets lack something
		{"-ThingId|a|-InputObject|{}", "!AmbiguousParameterSet"},
		{"-ThingId|a|-BodyParameter|{}|-Url|u", "!AmbiguousParameterSet"},
		{"-ThingId|a|-InputObject|{}|-Bogus", "!AmbiguousParameterSet"}, // found before the unknown name
		{"-Url|u|-Bogus", "!NamedParameterNotFound"},                    // found before the missing one
		{"-ThingId|a|word|-Bogus", "!PositionalParameterNotFound"},      // the first leftover counts
		{"-ThingId|a|-Bogus|word", "!NamedParameterNotFound"},
	})
	_, err := bind(send())
	if message(t, err) != "Cannot process command because of one or more missing mandatory parameters: ThingId." {
		t.Error(err)
	}
	var e *params.Error
	if errors.As(err, &e) && e.FullyQualifiedID() != "MissingMandatoryParameter,Send-Thing" {
		t.Error(e.FullyQualifiedID())
	}
}

func TestPositions(t *testing.T) {
	runLines(t, connect, []line{
		{"", "User"},
		{"a,b", "User Scopes=[a,b]"},
		{"a|b", "!PositionalParameterNotFound"}, // in the default set only Scopes has a position
		{"-ClientId|c", "User ClientId=c"},
		{"-ClientId|c|x", "User ClientId=c Scopes=[x]"},
		{"-NoWelcome|x", "User NoWelcome=true Scopes=[x]"},
	})
	if _, err := bind(connect(), "a", "b"); !strings.HasSuffix(show(nil, err), "PositionalParameterNotFound") || !strings.Contains(message(t, err), "'b'") {
		t.Error(err)
	}
	c := &params.Cmdlet{Name: "Two", DefaultSet: "S", Sets: []string{"S"}, Params: []params.Param{
		{Name: "Second", In: []params.Membership{{Set: "S", Position: 2}}}, {Name: "First", In: []params.Membership{{Set: "S", Position: 1}}},
	}}
	runLines(t, func() *params.Cmdlet { return c }, []line{
		{"a|b", "S First=a Second=b"}, {"-First|x|b", "S First=x Second=b"}, {"a|b|c", "!PositionalParameterNotFound"},
	})
}

func TestIdentityKeysChooseTheRoute(t *testing.T) { // D30
	runLines(t, routes, []line{
		{"-RoleId|r", "Upload RoleId=r"},
		{"-RoleId|r|-ResourceId|x", "Upload1 RoleId=r ResourceId=x"},
		{"-ResourceId|x", "!MissingMandatoryParameter"},
		{`-InputObject|{"role-id":"r"}`, "ViaIdentity InputObject={role-id=r}"},
		{`-InputObject|{"RoleId":"r"}`, "ViaIdentity InputObject={RoleId=r}"},
		{`-InputObject|{"role-ID":"r","RESOURCE-id":"x"}`, "ViaIdentity1 InputObject={role-ID=r,RESOURCE-id=x}"},
		{`-InputObject|@{RoleId='r';ResourceId='x'}`, "ViaIdentity1 InputObject=@{RoleId=r,ResourceId=x}"},
		{`-InputObject|@{RoleId='r';'resource-id'='x'}`, "ViaIdentity InputObject=@{RoleId=r,resource-id=x}"}, // a hashtable has PowerShell's names
		{`-InputObject|{"role-id":"r","resource-id":null}`, "ViaIdentity InputObject={role-id=r,resource-id=<nil>}"},
		{`-InputObject|{"resource-id":"x"}`, "!MgUploadAmbiguousIdentity"},
		{`-InputObject|{}`, "!MgUploadAmbiguousIdentity"},
	})
	_, err := bind(routes(), "-InputObject", "{}")
	if want := "ResourceId, RoleId; or RoleId."; !strings.HasSuffix(message(t, err), want) {
		t.Errorf("%v, want …%s", err, want)
	}
	// Two routes with as many keys, all of them there: both fit.
	c := routes()
	p := c.Param("inputobject")
	p.In[0].Keys, p.In[1].Keys = []string{"ResourceId"}, []string{"RoleId"}
	if _, err := bind(c, "-InputObject", `{"role-id":"r","resource-id":"x"}`); show(nil, err) != "!MgUploadAmbiguousIdentity" {
		t.Error(err)
	}
}

func TestPromptForMissingParameters(t *testing.T) {
	asked := []string(nil)
	answer := func(answers ...string) params.Options {
		return params.Options{Prompt: func(_ context.Context, names []string) ([]string, error) { asked = names; return answers, nil }}
	}
	gone := errors.New("interrupted")
	for _, c := range []struct {
		cmdlet func() *params.Cmdlet
		words  string
		o      params.Options
		asked  string
		want   string
	}{
		{send, "-Url|u", answer("a"), "ThingId", "Expanded Url=u ThingId=a"},
		{send, "", answer("-x:y"), "ThingId", "Expanded ThingId=-x:y"},                              // an answer is no word
		{send, "", answer(""), "ThingId", "!ParameterArgumentValidationErrorEmptyStringNotAllowed"}, // process.missing-tty-empty
		{send, "", answer(), "ThingId", "!MissingMandatoryParameter"},                               // the input ended
		{routes, "-ResourceId|x", answer("r"), "RoleId", "Upload1 ResourceId=x RoleId=r"},
		{send, "-ThingId|a", answer("b"), "", "Expanded ThingId=a"},
		{send, "-BodyParameter|{}", answer("b"), "", "!AmbiguousParameterSet"},
		{send, "-Bogus", answer("b"), "", "!NamedParameterNotFound"},
	} {
		asked = nil
		if got := show(params.Parse(c.cmdlet(), nil, split(c.words)).Bind(t.Context(), c.o)); got != c.want || strings.Join(asked, " ") != c.asked {
			t.Errorf("%s: %s, asked for %v", c.words, got, asked)
		}
	}
	o := params.Options{Prompt: func(context.Context, []string) ([]string, error) { return nil, gone }}
	if _, err := params.Parse(send(), nil, nil).Bind(t.Context(), o); !errors.Is(err, gone) {
		t.Error(err)
	}
}

func TestPipelineObjects(t *testing.T) {
	const identity, body = `{"thing-id":"a"}`, `{"url":"u"}`
	for _, c := range []struct {
		words, object string
		from          []string
		before, want  string
	}{
		{"-Url|u", identity, nil, "ViaIdentityExpanded Url=u", "ViaIdentityExpanded Url=u InputObject={thing-id=a}"},
		{"-BodyParameter|{}", identity, nil, "ViaIdentity BodyParameter={}", "ViaIdentity BodyParameter={} InputObject={thing-id=a}"},
		{"-ThingId|a", body, nil, " ThingId=a", "Whole ThingId=a BodyParameter={url=u}"},
		{"", identity, nil, "", "ViaIdentity InputObject={thing-id=a} BodyParameter={thing-id=a}"}, // binder.190
		{"", identity, []string{"InputObject"}, "ViaIdentityExpanded", "ViaIdentityExpanded InputObject={thing-id=a}"},
		{"-InputObject|@-|-Url|u", identity, []string{"InputObject"}, "ViaIdentityExpanded Url=u", "ViaIdentityExpanded Url=u InputObject={thing-id=a}"},
		{"-Url|u", "abc", nil, "ViaIdentityExpanded Url=u", "!ParameterArgumentValidationErrorNullNotAllowed"}, // pipeline.plain-text
		{"-Url|u", "[1]", nil, "ViaIdentityExpanded Url=u", "!ParameterArgumentValidationErrorNullNotAllowed"},
		{"-Url|u", `{"thing-id":`, nil, "ViaIdentityExpanded Url=u", "!ParameterArgumentValidationErrorNullNotAllowed"},
		{"-Url|u", `{"thing-id":5}`, nil, "ViaIdentityExpanded Url=u", "!MgUploadInvalidMember"}, // D24
		{"-ThingId|a", "abc", nil, " ThingId=a", "!InputObjectNotBound"},
		{"-ThingId|a|-Url|u", body, nil, "Expanded ThingId=a Url=u", "!InputObjectNotBound"}, // binder.195: text makes no headers
		{"-Headers|{}", identity, []string{"InputObject"}, "ViaIdentityExpanded Headers={}", "ViaIdentityExpanded Headers={} InputObject={thing-id=a}"},
	} {
		b, err := params.Parse(send(), nil, split(c.words)).Bind(t.Context(), params.Options{Pipeline: true, From: c.from})
		if err != nil {
			t.Errorf("%s: %v", c.words, err)
			continue
		}
		before := show(b, nil)
		got, err := b.Accept(c.object)
		if text := show(got, err); text != c.want {
			t.Errorf("%s with %s:\nhave %s\nwant %s", c.words, c.object, text, c.want)
		}
		var e *params.Error
		if errors.As(err, &e) && !e.NonTerm {
			t.Errorf("%s with %s: %s stops the pipeline", c.words, c.object, e.ID)
		}
		if after := show(b, nil); after != before {
			t.Errorf("%s: an object changed what the words bound: %s", c.words, after)
		}
		if c.before != "" && !slices.Contains([]string{c.before, strings.TrimSpace(c.before)}, before) {
			t.Errorf("%s: before objects %q, want %q", c.words, before, c.before)
		}
	}
}

// Objects do not see each other: each is bound on top of the words alone.
func TestObjectsAreIndependent(t *testing.T) {
	b, err := params.Parse(send(), nil, []string{"-Url", "u"}).Bind(t.Context(), params.Options{Pipeline: true})
	if err != nil {
		t.Fatal(err)
	}
	one, err1 := b.Accept(`{"thing-id":"1"}`)
	two, err2 := b.Accept(`{"thing-id":"2"}`)
	if show(one, err1) != "ViaIdentityExpanded Url=u InputObject={thing-id=1}" || show(two, err2) != "ViaIdentityExpanded Url=u InputObject={thing-id=2}" {
		t.Errorf("%s, %s", show(one, err1), show(two, err2))
	}
}

func TestErrorsOfWordsComeBeforeObjects(t *testing.T) {
	for words, want := range map[string]string{
		"-Bogus":                     "!NamedParameterNotFound",
		"-ThingId|a|-InputObject|{}": "!AmbiguousParameterSet",
		"-WhatIf:":                   "!MgUploadEmptyValueWord",
		"-Nbf|x":                     "!ParameterArgumentTransformationError",
	} {
		if got := show(params.Parse(send(), nil, split(words)).Bind(t.Context(), params.Options{Pipeline: true})); got != want {
			t.Errorf("%s: %s, want %s", words, got, want)
		}
	}
	// Objects that may only be identities cannot give a body's id.
	o := params.Options{Pipeline: true, From: []string{"Headers"}}
	if got := show(params.Parse(send(), nil, []string{"-Url", "u"}).Bind(t.Context(), o)); !strings.HasPrefix(got, "!") {
		t.Errorf("nothing can bind the id, yet: %s", got)
	}
}

// An object goes to the default set while that is open, to the others only if
// nothing of it took the object.
func TestObjectsGoToTheDefaultSetFirst(t *testing.T) {
	taker := func(name string, kind params.Type, set string) params.Param {
		return params.Param{Name: name, Type: kind, In: []params.Membership{{Set: set, Mandatory: true, Pipeline: true}}}
	}
	c := &params.Cmdlet{Name: "Take-Thing", DefaultSet: "Two", Sets: []string{"One", "Two"}, Params: []params.Param{
		taker("First", params.Body, "One"), taker("Second", params.Body, "Two"),
	}}
	b, err := params.Parse(c, nil, nil).Bind(t.Context(), params.Options{Pipeline: true})
	if err != nil {
		t.Fatal(err)
	}
	if got := show(b.Accept("{}")); got != "Two Second={}" {
		t.Error(got)
	}
	c.Params[1].Type = params.Hashtable // text makes none
	if got := show(b.Accept("{}")); got != "One First={}" {
		t.Error(got)
	}
}

func TestPipelineChoosesTheRoute(t *testing.T) {
	b, err := params.Parse(routes(), nil, nil).Bind(t.Context(), params.Options{Pipeline: true})
	if err != nil {
		t.Fatal(err)
	}
	for object, want := range map[string]string{
		`{"role-id":"r"}`:                   "ViaIdentity InputObject={role-id=r}",
		`{"role-id":"r","resource-id":"x"}`: "ViaIdentity1 InputObject={role-id=r,resource-id=x}",
		`{"resource-id":"x"}`:               "!MgUploadAmbiguousIdentity",
	} {
		if got := show(b.Accept(object)); got != want {
			t.Errorf("%s: %s, want %s", object, got, want)
		}
	}
}

func TestBoundAnswers(t *testing.T) {
	b, err := bind(send(), "-ThingId", "a", "-WhatIf:false", "-BodyParameter", "{}")
	if err != nil {
		t.Fatal(err)
	}
	if on, given := b.Switch("WhatIf"); on || !given {
		t.Error("WhatIf")
	}
	if on, given := b.Switch("Confirm"); on || given {
		t.Error("Confirm")
	}
	if b.String("ThingId") != "a" || b.String("Url") != "" || b.Object("BodyParameter") == nil || b.Object("Headers") != nil || b.Get("Url") != nil || b.Has("Url") {
		t.Error(show(b, nil))
	}
	if _, ok := b.Object("Headers").Get("x"); ok {
		t.Error("nothing has a member")
	}
}
