// The coroutine of an event-loop worker: one awaitable type, bound to one loop.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/asio/io_context.hpp>

namespace mpsup::http {

/// Of one thread's loop, named outright: the type-erased one of Asio costs an allocation more for each wait.
using Executor = boost::asio::io_context::executor_type;

/// Runs in the thread of the loop that it was started on, and is resumed there.
template <class T = void> using Task = boost::asio::awaitable<T, Executor>;

} // namespace mpsup::http
