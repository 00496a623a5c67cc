// What the Rust side calls as `queueMicrotask`, several times in each request: esbuild puts it in the place of the global
// (scripts/build.sh). workerd's own goes through C++ with a wrapper around each function; `then` stays within V8. Both end in the same queue.
export const queueMicrotask = (run) => {
  Promise.resolve().then(run);
};
