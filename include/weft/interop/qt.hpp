#pragma once
// <weft/interop/qt.hpp>: Qt 6: awaits that come back to the thread of an event loop, and signals handled by coroutines.
// Needs the target weft::qt.
// SPDX-License-Identifier: MIT

#include <QtCore/QCoreApplication>
#include <QtCore/QEvent>
#include <QtCore/QObject>
#include <QtCore/QThread>

#include <memory>
#include <type_traits>
#include <utility>

#include "weft/coordination/event.hpp"
#include "weft/interop/ui_context.hpp"

namespace weft::inline WEFT_ABI::qt {

/// The context of a Qt event loop. Make it on the loop's thread, usually right after the QApplication; see ui_context.
///
/// Lifetime  must go before the loop's QCoreApplication.
class context final : public ui_context {
public:
    context() : receiver_(*this) {}

    [[nodiscard]] bool is_current_thread() const noexcept override {
        return QThread::currentThread() == receiver_.thread();
    }

private:
    class receiver final : public QObject {
    public:
        explicit receiver(context& owner) noexcept : owner_(owner) {}
        bool event(QEvent* event) override {
            if (event->type() != wake_type()) return QObject::event(event);
            owner_.run_batch();
            return true;
        }

    private:
        context& owner_;
    };

    static QEvent::Type wake_type() {
        static const int type = QEvent::registerEventType();
        return static_cast<QEvent::Type>(type);
    }
    void wake() noexcept override { QCoreApplication::postEvent(&receiver_, new QEvent(wake_type())); }

    receiver receiver_;
};

namespace detail {

/// What Qt keeps: it calls the handler, which outlives the connection while it runs.
template <class F>
class slot {
public:
    explicit slot(F handler) : handler_(std::make_shared<F>(std::move(handler))) {}

    template <class... Args>
        requires std::is_invocable_v<F&, std::decay_t<Args>&...>
    void operator()(Args&&... args) const {
        weft::detail::call_owned<F, std::decay_t<Args>...>(handler_, std::forward<Args>(args)...);
    }

private:
    std::shared_ptr<F> handler_;
};

}  // namespace detail

/// Connects `signal` of `sender` to a callable, which may be a capturing lambda coroutine: the connection owns the closure, and
/// each running call keeps it and copies of the signal's arguments until it is over. Fewer parameters than the signal has are
/// fine.
///
/// Continuation  the handler runs on the thread of `sender`, and comes back there after each await if that thread has a context.
/// Lifetime      the connection ends with `sender`; calls that run then go on: let them hold a QPointer to what may go.
template <class Sender, class Signal, class F>
QMetaObject::Connection connect(const Sender* sender, Signal signal, F&& handler) {
    return QObject::connect(sender, signal, sender, detail::slot<std::decay_t<F>>(std::forward<F>(handler)));
}
/// The same with a `receiver`: the connection ends with it too, and the handler runs on its thread.
template <class Sender, class Signal, class F>
QMetaObject::Connection connect(const Sender* sender, Signal signal, const QObject* receiver, F&& handler) {
    return QObject::connect(sender, signal, receiver, detail::slot<std::decay_t<F>>(std::forward<F>(handler)));
}

}  // namespace weft::inline WEFT_ABI::qt
