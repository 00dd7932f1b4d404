// A window of GTK 4 on a display in memory: what a clicked handler awaits does not hold it up.
// SPDX-License-Identifier: MIT

#include <gtest/gtest.h>
#include <gtk/gtk.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <cstdlib>
#include <stdexcept>
#include <string>

#include "support/ui_scenario.hpp"
#include "weft/interop/glib.hpp"

namespace {

using namespace weft;

/// An X server without a screen, which chooses a display that is free and ends with this.
class display_in_memory {
public:
    display_in_memory() {
        int ends[2];
        if (::pipe(ends) != 0) throw std::runtime_error("no pipe");
        const std::string number = std::to_string(ends[1]);
        const char* const arguments[] = {
            "Xvfb", "-displayfd", number.c_str(), "-screen", "0", "640x480x24", "-nolisten", "tcp", nullptr};
        const int failed = ::posix_spawnp(&server_, "Xvfb", nullptr, nullptr, const_cast<char* const*>(arguments), environ);
        ::close(ends[1]);
        if (failed != 0) throw std::runtime_error("Xvfb does not start: install xvfb");
        std::string display(":");
        for (char digit = 0; ::read(ends[0], &digit, 1) == 1 && digit != '\n';) display += digit;
        ::close(ends[0]);
        ::setenv("DISPLAY", display.c_str(), 1);
    }
    ~display_in_memory() {
        ::kill(server_, SIGTERM);
        ::waitpid(server_, nullptr, 0);
    }
    display_in_memory(const display_in_memory&) = delete;
    display_in_memory& operator=(const display_in_memory&) = delete;

private:
    pid_t server_ = 0;
};

double longest_gap(glib::context& context, const weft_test::ui_surroundings& around) {
    weft_test::heartbeat heart;
    const auto beat = [](gpointer data) -> gboolean {
        static_cast<weft_test::heartbeat*>(data)->beat();
        return G_SOURCE_CONTINUE;
    };
    GtkWidget* window = gtk_window_new();
    GtkWidget* button = gtk_button_new_with_label("load");
    gtk_window_set_child(GTK_WINDOW(window), button);
    bool ended = false;
    glib::connect(button, "clicked", [&ended, button, url = around.url(), path = around.path()]() -> task<> {
        co_await weft_test::handle_everything(url, path);
        gtk_button_set_label(GTK_BUTTON(button), "loaded");
        ended = true;
    });
    gtk_window_present(GTK_WINDOW(window));
    // The first picture of a toolkit takes its time: fonts, themes.
    while (gtk_widget_get_mapped(button) == FALSE || g_main_context_pending(nullptr) != FALSE)
        g_main_context_iteration(nullptr, TRUE);

    const guint timer = g_timeout_add(2, beat, &heart);
    context.post([&] { g_signal_emit_by_name(button, "clicked"); });
    while (!ended) g_main_context_iteration(nullptr, TRUE);
    g_source_remove(timer);
    EXPECT_STREQ(gtk_button_get_label(GTK_BUTTON(button)), "loaded");
    EXPECT_GT(heart.beats(), 20);
    gtk_window_destroy(GTK_WINDOW(window));
    return heart.longest_ms();
}

TEST(gtk_test, a_window_stays_responsive_while_a_clicked_handler_awaits_http_a_file_and_the_cpu) {
    const display_in_memory display;
    ::setenv("GDK_BACKEND", "x11", 1);
    ::setenv("GSK_RENDERER", "cairo", 1);
    ::setenv("GTK_A11Y", "none", 1);
    ASSERT_TRUE(gtk_init_check());
    {
        const weft_test::ui_surroundings around;
        glib::context context;
        EXPECT_LT(weft_test::smallest_gap([&] { return longest_gap(context, around); }), 20.0);
    }
    gdk_display_close(gdk_display_get_default());
}

}  // namespace
