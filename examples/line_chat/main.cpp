// A chat over two kinds of sockets: people talk in lines over TCP, programs in frames over a Unix socket, all in one room. Each member
// has a task that reads and one that writes, with a channel between the room and the writer, so a member who does not read
// disturbs nobody. ctest runs this: the server in it, and three members.
// SPDX-License-Identifier: MIT

#include <weft/weft.hpp>

#include <cstdio>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include <unistd.h>

#include <weft/io/buffered_reader.hpp>
#include <weft/io/buffered_writer.hpp>
#include <weft/io/framing.hpp>
#include <weft/net/tcp.hpp>
#include <weft/net/unix.hpp>

namespace {

constexpr std::size_t longest_message = 1000;
constexpr weft::io::frame_format format{.length = weft::io::frame_length::u16, .limit = longest_message};

std::span<const std::byte> bytes_of(const std::string& text) { return std::as_bytes(std::span(text)); }

// ---- two ways to send a text; the rest of the program knows neither

/// A line for each text.
template <class Stream>
struct in_lines {
    static weft::task<std::optional<std::string>> read(weft::io::buffered_reader<Stream>& from) {
        return from.read_line(longest_message).as_task();
    }
    static weft::task<> write(weft::io::buffered_writer<Stream>& to, const std::string& text) {
        return weft::io::write_delimited(to, text, "\n");
    }
};

/// A frame for each text.
template <class Stream>
struct in_frames {
    static weft::task<std::optional<std::string>> read(weft::io::buffered_reader<Stream>& from) {
        const std::optional<std::vector<std::byte>> frame = co_await weft::io::read_frame(from, format);
        if (!frame) co_return std::nullopt;
        co_return std::string(reinterpret_cast<const char*>(frame->data()), frame->size());
    }
    static weft::task<> write(weft::io::buffered_writer<Stream>& to, const std::string& text) {
        return weft::io::write_frame(to, bytes_of(text), format);
    }
};

// ---- the room

class room {
public:
    using writer = weft::channel_writer<std::string>;

    weft::task<> enter(std::string name, writer to) {
        co_await say(name + " is here");
        auto held = co_await lock_.lock();
        members_.emplace(std::move(name), to);
        entered_.set();
    }
    weft::task<> wait_for_somebody() { co_await entered_.wait(); }
    weft::task<> leave(std::string name) {
        {
            auto held = co_await lock_.lock();
            members_.at(name).complete();
            members_.erase(name);
        }
        co_await say(name + " has left");
    }
    weft::task<> say(std::string text) {
        auto held = co_await lock_.lock();
        // A member whose channel is full misses it: nobody waits for the slowest.
        for (auto& [name, to] : members_) static_cast<void>(to.try_write(text));
    }

private:
    weft::async_mutex lock_;
    weft::async_manual_reset_event entered_{false};
    std::map<std::string, writer> members_;
};

template <class Stream, template <class> class Protocol>
weft::task<> write_all(Stream& stream, weft::channel_reader<std::string> from) {
    weft::io::buffered_writer<Stream> out(stream);
    weft::async_stream<std::string> texts = from.read_all();
    try {
        while (const auto text = co_await texts.next()) {
            co_await Protocol<Stream>::write(out, *text);
            co_await out.flush();
        }
        // Half-close: the member sees the end, and may still be sending.
        stream.shutdown_send();
    } catch (const weft::io_error& gone) {
        std::printf("a member is gone: %s\n", gone.what());
    }
}

template <class Stream, template <class> class Protocol>
weft::task<> serve(Stream stream, room& hall) {
    weft::io::buffered_reader<Stream> in(stream);
    const std::optional<std::string> name = co_await Protocol<Stream>::read(in);
    if (!name) co_return;
    const auto texts = weft::channel<std::string>::bounded(100);
    weft::task<> writing = write_all<Stream, Protocol>(stream, texts.reader());
    co_await hall.enter(*name, texts.writer());
    for (;;) {
        const std::optional<std::string> text = co_await Protocol<Stream>::read(in);
        if (!text) break;
        co_await hall.say(*name + ": " + *text);
    }
    co_await hall.leave(*name);
    co_await std::move(writing);
}

template <class Listener, class Stream, template <class> class Protocol>
weft::task<> serve_all(Listener& listener, room& hall, int members) {
    std::vector<weft::task<>> sessions;
    for (int i = 0; i < members; ++i) {
        Stream stream = co_await listener.accept();
        sessions.push_back(serve<Stream, Protocol>(std::move(stream), hall));
    }
    co_await weft::when_all(sessions);
}

// ---- members

/// Says something and listens until it has heard `last`.
template <class Stream, template <class> class Protocol>
weft::task<std::vector<std::string>> talk(Stream stream, std::string name, std::string text, std::string last) {
    weft::io::buffered_reader<Stream> in(stream);
    weft::io::buffered_writer<Stream> out(stream);
    co_await Protocol<Stream>::write(out, name);
    co_await Protocol<Stream>::write(out, text);
    co_await out.flush();
    std::vector<std::string> heard;
    while (heard.empty() || heard.back() != last) {
        std::optional<std::string> next = co_await Protocol<Stream>::read(in);
        if (!next) break;
        heard.push_back(std::move(*next));
    }
    // Says that it leaves, and listens until the room has said everything: closed over what comes, the connection would be reset.
    stream.shutdown_send();
    for (;;) {
        const std::optional<std::string> rest = co_await Protocol<Stream>::read(in);
        if (!rest) break;
    }
    co_return heard;
}

using weft::net::tcp_listener;
using weft::net::tcp_stream;
using weft::net::unix_listener;
using weft::net::unix_stream;

bool show(const char* name, const std::vector<std::string>& heard) {
    std::printf("%s heard:\n", name);
    for (const std::string& each : heard) std::printf("    %s\n", each.c_str());
    return !heard.empty();
}

weft::task<int> async_main(int, char**) {
    room hall;
    tcp_listener people = tcp_listener::bind(weft::net::endpoint::loopback_v4());
    const weft::net::unix_endpoint path("/tmp/weft-line-chat-" + std::to_string(::getpid()));
    unix_listener programs = unix_listener::bind(path, {.replace_stale = true, .permissions = 0600});
    weft::task<> serving_people = serve_all<tcp_listener, tcp_stream, in_lines>(people, hall, 2);
    weft::task<> serving_programs = serve_all<unix_listener, unix_stream, in_frames>(programs, hall, 1);

    // Ann comes first, and listens until the robot has spoken; the others until they have heard themselves.
    tcp_stream to_ann = co_await tcp_stream::connect(people.local_endpoint());
    weft::task<std::vector<std::string>> ann = talk<tcp_stream, in_lines>(std::move(to_ann), "Ann", "hello", "robot: beep");
    co_await hall.wait_for_somebody();
    tcp_stream to_bob = co_await tcp_stream::connect(people.local_endpoint());
    weft::task<std::vector<std::string>> bob =
        talk<tcp_stream, in_lines>(std::move(to_bob), "Bob", "hi all", "Bob: hi all");
    unix_stream to_robot = co_await unix_stream::connect(path);
    weft::task<std::vector<std::string>> robot =
        talk<unix_stream, in_frames>(std::move(to_robot), "robot", "beep", "robot: beep");

    const std::vector<std::string> bob_heard = co_await std::move(bob);
    const std::vector<std::string> robot_heard = co_await std::move(robot);
    const std::vector<std::string> ann_heard = co_await std::move(ann);
    co_await std::move(serving_people);
    co_await std::move(serving_programs);
    co_await people.close();
    co_await programs.close();  // takes the socket's file away

    const bool ann_listened = show("Ann", ann_heard) && ann_heard.back() == "robot: beep";
    const bool bob_listened = show("Bob", bob_heard);
    const bool robot_listened = show("The robot", robot_heard);
    co_return ann_listened&& bob_listened&& robot_listened ? 0 : 1;
}

}  // namespace

int main(int argument_count, char** arguments) { return weft::run_main(async_main, argument_count, arguments); }
