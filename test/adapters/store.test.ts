// The store (src/kubernetes/store): what it tells its listeners, and that nothing older replaces what is newer.
import { expect, test } from 'vitest';
import type { Change } from '../../src/controller/ports.ts';
import { Store } from '../../src/kubernetes/store.ts';

interface View {
  readonly resourceVersion: string;
  readonly text?: string;
}

const view = (resourceVersion: string, text = ''): View => ({ resourceVersion, text });

function listening(): { store: Store<View>; changes: Change<View>[] } {
  const store = new Store<View>();
  const changes: Change<View>[] = [];
  store.onChange((change) => changes.push(change));
  return { store, changes };
}

const told = (changes: readonly Change<View>[]) =>
  changes.map(({ key, before, after, origin }) => [
    key,
    before?.resourceVersion,
    after?.resourceVersion,
    origin,
  ]);

test('it is complete with the first list, not with a single object', async () => {
  const { store } = listening();
  let complete = false;
  const waiting = store.whenSynced().then(() => (complete = true));
  store.put('a', view('1'), 'own');
  await Promise.resolve();
  expect([store.synced, complete]).toStrictEqual([false, false]);
  store.replace(new Map([['a', view('1')]]), '5');
  await waiting;
  expect([store.synced, complete]).toStrictEqual([true, true]);
});

test('an empty list is complete too', async () => {
  const { store, changes } = listening();
  store.replace(new Map(), '5');
  await store.whenSynced();
  expect(store.synced).toBe(true);
  expect(changes).toStrictEqual([]);
});

test('the first list is told as initial, the later ones as changes of the cluster', () => {
  const { store, changes } = listening();
  store.replace(new Map([['a', view('1')]]), '5');
  store.replace(
    new Map([
      ['a', view('6')],
      ['b', view('7')],
    ]),
    '8',
  );
  expect(told(changes)).toStrictEqual([
    ['a', undefined, '1', 'initial'],
    ['a', '1', '6', 'cluster'],
    ['b', undefined, '7', 'cluster'],
  ]);
});

test('what a list no longer has is gone, and what it has unchanged is no news', () => {
  const { store, changes } = listening();
  store.replace(
    new Map([
      ['a', view('1')],
      ['b', view('2')],
    ]),
    '5',
  );
  changes.length = 0;
  store.replace(new Map([['b', view('2')]]), '9');
  expect(told(changes)).toStrictEqual([['a', '1', undefined, 'cluster']]);
  expect([...store.keys()]).toStrictEqual(['b']);
});

test('an older event undoes nothing, however many digits its version has', () => {
  const { store, changes } = listening();
  store.put('a', view('100', 'ours'), 'own');
  store.put('a', view('99', 'late'), 'cluster');
  store.put('a', view('100', 'echo'), 'cluster');
  store.delete('a', '99', 'cluster');
  expect(store.get('a')).toStrictEqual(view('100', 'ours'));
  expect(changes).toHaveLength(1);
  store.put('a', view('101', 'new'), 'cluster');
  expect(store.get('a')?.text).toBe('new');
});

test('versions beyond what a number can hold are compared exactly', () => {
  const { store } = listening();
  store.put('a', view('9007199254740993', 'first'), 'own');
  store.put('a', view('9007199254740992', 'older'), 'cluster');
  expect(store.get('a')?.text).toBe('first');
  store.put('b', view('9007199254740992', 'first'), 'own');
  store.put('b', view('9007199254740993', 'newer'), 'cluster');
  expect(store.get('b')?.text).toBe('newer');
});

test('an older list neither undoes a write of ours nor forgets it', () => {
  const { store } = listening();
  store.replace(new Map([['a', view('10')]]), '20');
  store.put('a', view('31', 'ours'), 'own');
  store.put('b', view('32', 'ours'), 'own');
  store.replace(new Map([['a', view('10')]]), '30');
  expect(store.get('a')?.text).toBe('ours');
  expect(store.get('b')?.text).toBe('ours');
  store.replace(new Map([['a', view('31')]]), '40');
  expect(store.get('b')).toBeUndefined();
});

test('the end of an object is told once, with what it was', () => {
  const { store, changes } = listening();
  store.put('a', view('1'), 'cluster');
  store.delete('a', '2', 'cluster');
  store.delete('a', '2', 'cluster');
  store.delete('unknown', '3', 'cluster');
  expect(told(changes)).toStrictEqual([
    ['a', undefined, '1', 'cluster'],
    ['a', '1', undefined, 'cluster'],
  ]);
});

test('a listener that asks sees what it was told of', () => {
  const store = new Store<View>();
  const seen: unknown[] = [];
  store.onChange(({ key, after }) => seen.push([store.get(key) === after, after?.resourceVersion]));
  store.put('a', view('1'), 'cluster');
  store.delete('a', '2', 'cluster');
  expect(seen).toStrictEqual([
    [true, '1'],
    [true, undefined],
  ]);
});

test('an object that is made anew under the name of one that is gone is known again', () => {
  const { store } = listening();
  store.put('a', view('5', 'first'), 'cluster');
  store.delete('a', '8', 'cluster');
  store.put('a', view('9', 'second'), 'cluster');
  store.delete('a', '8', 'cluster');
  expect(store.get('a')?.text).toBe('second');
});

test('after a reset a list counts as newer, whatever was known, and what it lacks is gone', () => {
  const { store, changes } = listening();
  store.replace(
    new Map([
      ['a', view('900', 'old')],
      ['b', view('901')],
    ]),
    '950',
  );
  store.put('c', view('999'), 'own');
  changes.length = 0;
  store.reset();
  expect(changes).toStrictEqual([]);
  store.replace(new Map([['a', view('30', 'restored')]]), '40');
  expect([...store.keys()]).toStrictEqual(['a']);
  expect(store.get('a')).toStrictEqual(view('30', 'restored'));
  expect(changes.map(({ key, after }) => [key, after?.resourceVersion])).toStrictEqual([
    ['b', undefined],
    ['c', undefined],
    ['a', '30'],
  ]);
  store.put('a', view('29'), 'cluster');
  expect(store.get('a')?.resourceVersion).toBe('30');
});

test('of several parts it is complete when each was listed or refused', async () => {
  const store = new Store<View>(['a', 'b', 'c']);
  let complete = false;
  const waiting = store.whenSynced().then(() => (complete = true));
  store.replace(new Map([['a', view('1')]]), '5', 'a');
  store.refuse('b');
  await Promise.resolve();
  expect([store.synced, complete]).toStrictEqual([false, false]);
  store.replace(new Map(), '5', 'c');
  await waiting;
  expect([store.synced, complete, [...store.refused]]).toStrictEqual([true, true, ['b']]);
});

test('a list of one part says nothing about the others', () => {
  const store = new Store<View>(['a', 'b']);
  store.replace(new Map([['a', view('1')]]), '5', 'a');
  store.replace(new Map([['b', view('2')]]), '5', 'b');
  store.replace(new Map(), '9', 'b');
  expect([...store.keys()]).toStrictEqual(['a']);
  store.reset('b');
  store.put('a', view('0'), 'cluster');
  expect(store.get('a')).toStrictEqual(view('1'));
  store.reset('a');
  store.put('a', view('0'), 'cluster');
  expect(store.get('a')).toStrictEqual(view('0'));
});

test('that a part may not be looked at, and that it may again, is told once; what was known stays', () => {
  const store = new Store<View>(['a', 'b']);
  store.replace(new Map([['a', view('1')]]), '5', 'a');
  const changes: Change<View>[] = [];
  store.onChange((change) => changes.push(change));
  store.refuse('a');
  store.refuse('a');
  store.refuse('b');
  expect(told(changes)).toStrictEqual([
    ['a', '1', '1', 'access'],
    ['b', undefined, undefined, 'access'],
  ]);
  expect([[...store.refused], store.get('a')]).toStrictEqual([['a', 'b'], view('1')]);
  store.replace(new Map([['a', view('1')]]), '6', 'a');
  expect(told(changes.slice(2))).toStrictEqual([['a', '1', '1', 'access']]);
  expect([...store.refused]).toStrictEqual(['b']);
});
