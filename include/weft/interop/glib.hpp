#pragma once
// <weft/interop/glib.hpp>: GLib and GTK: awaits that come back to the thread of a main loop, and signals handled by coroutines.
// Needs the target weft::glib.
// SPDX-License-Identifier: MIT

#include <glib-object.h>
#include <glib.h>

#include <memory>
#include <stdexcept>
#include <string>
#include <thread>
#include <type_traits>
#include <utility>

#include "weft/coordination/event.hpp"
#include "weft/interop/ui_context.hpp"

namespace weft::inline WEFT_ABI::glib {

/// The context of a GLib main context. Make it on the thread that runs the loop; see ui_context.
///
/// Its callbacks run at default priority, in turn with the timers and sources of the application.
class context final : public ui_context {
public:
    /// @param loop  null for the default main context
    explicit context(GMainContext* loop = nullptr) : source_(make_source(*this)) { g_source_attach(source_, loop); }
    ~context() override {
        g_source_destroy(source_);
        g_source_unref(source_);
    }

    [[nodiscard]] bool is_current_thread() const noexcept override { return std::this_thread::get_id() == thread_; }

private:
    struct wake_source {
        GSource base;
        context* owner;
    };

    // One source for ever: ready at time 0 when there is something, and never at -1. Setting the time wakes the loop from any
    // thread and allocates nothing.
    static GSource* make_source(context& owner) {
        static GSourceFuncs functions{nullptr, nullptr, &context::dispatch, nullptr, nullptr, nullptr};
        GSource* source = g_source_new(&functions, sizeof(wake_source));
        reinterpret_cast<wake_source*>(source)->owner = &owner;
        g_source_set_name(source, "weft");
        g_source_set_can_recurse(source, TRUE);
        return source;
    }
    static gboolean dispatch(GSource* source, GSourceFunc, gpointer) {
        g_source_set_ready_time(source, -1);
        reinterpret_cast<wake_source*>(source)->owner->run_batch();
        return G_SOURCE_CONTINUE;
    }
    void wake() noexcept override { g_source_set_ready_time(source_, 0); }

    const std::thread::id thread_ = std::this_thread::get_id();
    GSource* const source_;
};

namespace detail {

template <class F, class Instance, class... Args>
struct signal_handler {
    static void call(Instance* instance, Args... args, gpointer data) {
        const std::shared_ptr<F> handler = *static_cast<std::shared_ptr<F>*>(data);
        if constexpr (std::is_invocable_v<F&, Instance*&, Args&...>)
            weft::detail::call_owned<F, Instance*, Args...>(handler, instance, args...);
        else if constexpr (std::is_invocable_v<F&, Args&...>) weft::detail::call_owned<F, Args...>(handler, args...);
        else weft::detail::call_owned<F>(handler);
    }
    static void destroy(gpointer data, GClosure*) { delete static_cast<std::shared_ptr<F>*>(data); }
};

}  // namespace detail

/// Connects `signal` of a GObject to a callable, which may be a capturing lambda coroutine: the connection owns the closure, and
/// each running call keeps it until it is over. `Args` are the C types of the signal's arguments between the instance and the
/// user data: `connect(button, "clicked", handler)`, `connect<guint, guint>(window, "resized", handler)`. The handler takes
/// `(instance, args...)`, `(args...)` or nothing; a signal that wants a return value needs g_signal_connect().
///
/// Continuation  the handler runs where the signal is emitted, and comes back there after each await if that thread has a context.
/// Lifetime      pointers stay the caller's: g_object_ref() what the handler uses after an await.
/// @returns the handler's id, for g_signal_handler_disconnect(). @throws std::invalid_argument  for a signal `instance` has not
template <class... Args, class Instance, class F>
gulong connect(Instance* instance, const char* signal, F&& handler) {
    using stored = std::decay_t<F>;
    using thunk = detail::signal_handler<stored, Instance, Args...>;
    guint id = 0;
    GQuark detail_of_name = 0;
    if (g_signal_parse_name(signal, G_OBJECT_TYPE(instance), &id, &detail_of_name, TRUE) == FALSE)
        throw std::invalid_argument(
            "the GObject type '" + std::string(G_OBJECT_TYPE_NAME(instance)) + "' has no signal '" + signal + "'");
    auto held = std::make_unique<std::shared_ptr<stored>>(std::make_shared<stored>(std::forward<F>(handler)));
    return g_signal_connect_data(instance, signal, reinterpret_cast<GCallback>(&thunk::call), held.release(),
        &thunk::destroy, static_cast<GConnectFlags>(0));
}

}  // namespace weft::inline WEFT_ABI::glib
