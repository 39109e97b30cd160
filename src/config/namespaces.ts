// Which namespaces are looked at, as a part of the configuration schema; used by schema. It knows names and patterns, and nothing
// of what namespaces want.
import * as v from 'valibot';
import { isLabelSelector } from '../domain/label-selector.ts';
import { mapping, patterns, shortName, text } from './fields.ts';

const namespaceName = shortName(
  'must be the name of a namespace: lower-case letters, digits and `-`; not a pattern',
);

/** The setting `namespaces`. */
export const namespaces = v.pipe(
  mapping({
    mode: v.optional(
      v.pipe(
        v.picklist(['annotated', 'all'], 'must be annotated or all'),
        v.description('`annotated`: those that opt in; `all`: every one that matches and is not opted out'),
      ),
      'annotated',
    ),
    only: v.optional(
      v.pipe(
        v.array(namespaceName, 'must be a list of namespace names'),
        v.check((names) => new Set(names).size === names.length, 'must name each namespace once'),
        v.description(
          'names; these namespaces alone are looked at, each by itself, so that rights in them are enough and none in the cluster is needed; []: the whole cluster',
        ),
      ),
      [],
    ),
    include: v.optional(
      v.pipe(patterns, v.description('patterns; a namespace that matches none is never served')),
      ['*'],
    ),
    exclude: v.optional(
      v.pipe(patterns, v.description('patterns; a namespace that matches one is never served')),
      ['kube-*'],
    ),
    selector: v.optional(
      v.pipe(
        text,
        v.check(isLabelSelector, 'must be a Kubernetes label selector, such as team=a,tier in (web,api)'),
        v.description('label selector; namespaces that do not match are not even watched'),
      ),
      '',
    ),
  }),
  v.forward(
    v.check(
      ({ only, selector }) => only.length === 0 || selector === '',
      'cannot go together with namespaces.only: a namespace that is looked at by its name is not selected by labels; remove one of them',
    ),
    ['selector'],
  ),
);
